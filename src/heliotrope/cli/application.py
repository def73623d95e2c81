"""The verbs put together. Importing this imports what parses a command line, and nothing that runs one."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from heliotrope import __version__
from heliotrope.cli import (
    champion,
    cycles,
    declare,
    demo,
    doctor,
    late,
    messages,
    metrics,
    pages,
    record,
    rows,
    schema,
    status,
    stepping,
    ui,
)
from heliotrope.cli import whatif as trying
from heliotrope.errors import ConfigError, nearest

__all__ = ["command"]

_VERBS = (
    demo.demo,
    declare.init,
    declare.validate,
    rows.load,
    cycles.run,
    cycles.replay,
    stepping.run_step,
    trying.whatif,
    late.reconcile,
    status.status,
    record.history,
    record.drift,
    champion.champion,
    champion.promote,
    champion.rollback,
    champion.pin,
    champion.unpin,
    pages.report,
    ui.ui,
    messages.notify,
    metrics.metrics,
    schema.migrate,
    doctor.doctor,
)


class _Verbs(TyperGroup):
    """Answers an unknown verb with the nearest one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            path = ctx.command_path
            raise ConfigError(f"{path} has no verb {args[0]!r}", remedy=nearest(args[0], self.commands))
        return super().resolve_command(ctx, args)


def command() -> Any:
    """The whole command line, as Typer's own kind of command."""
    app = _group(_heliotrope)
    for verb in _VERBS:
        app.command(verb.__name__.replace("_", "-"))(verb)
    sql = _group(_sql)
    sql.command("means")(rows.means)
    app.add_typer(sql, name="sql")
    return typer.main.get_command(app)


def _group(callback: Any) -> typer.Typer:
    return typer.Typer(
        callback=callback,
        cls=_Verbs,
        rich_markup_mode=None,  # plain text: names in it may look like markup, and Rich is slow to import
        add_completion=False,
        pretty_exceptions_enable=False,
    )


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"heliotrope {__version__}")
        raise typer.Exit


def _heliotrope(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and exit.")
    ] = False,
) -> None:
    """Keep a model true while its data turns.

    \b
    A pipeline is one YAML file: a table, a target, an interval, and what competes
    to predict it. Every interval the champion is tested on rows it has not seen,
    drift is measured, challengers are trained, and a better one takes over.

    \b
    Begin with:
      heliotrope demo                      the whole story, in this folder
      heliotrope init TABLE                a pipeline from a table of yours
      heliotrope replay PIPELINE.yaml      its history, interval by interval
      heliotrope champion                  who serves, since when, and why

    \b
    Every verb takes --database URL and --json. Without --database the database is
    HELIOTROPE_DATABASE_URL's, else that of the PG* variables, else an embedded
    PostgreSQL under HELIOTROPE_HOME (./.heliotrope).

    \b
    Exit codes:
      0  done                              4  the database
      1  another failure                   5  a model, or the registry
      2  a wrong command or pipeline     130  stopped by Ctrl-C; run it again
      3  rows that cannot be used        141  the output's reader went away
    """


def _sql() -> None:
    """Questions to the rows themselves, answered by PostgreSQL alone.

    \b
    Example:
      heliotrope sql means rotating_gaussians.yaml
    """
