"""Whether everything heliotrope needs is there, and what to do about what is not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

import typer

from heliotrope.cli import options
from heliotrope.cli.session import Session
from heliotrope.errors import ArtifactError, HeliotropeError, MessageError, counted

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.database import Database

__all__ = ["Check", "doctor"]

State = Literal["ok", "warn", "fail"]
SMALL, TIGHT = 100 * 2**20, 2**30
"""Free bytes under which nothing works for long, and under which it soon will not."""
_SKEW = 60.0  # seconds between two clocks that still pass for the same time


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, what was found, and the remedy where it is not as it should be."""

    name: str
    state: State
    found: str
    remedy: str = ""


def doctor(database: options.Database = None, as_json: options.Json = False) -> None:
    """Check that everything needed is there, with remedies.

    Looks at versions, disk, database, rights, ledger, MLflow, model files and messages. Ends with 1 when one of them
    fails.

    \b
    Example:
      heliotrope doctor
    """
    session = Session(database, as_json)
    checks = list(_checks(session))
    failed = any(check.state == "fail" for check in checks)
    session.output.document({"ok": not failed, "checks": [asdict(check) for check in checks]})
    session.output.table(("check", "state", "found"), [(check.name, check.state, check.found) for check in checks])
    remedies: dict[str, list[str]] = {}
    for check in checks:
        if check.remedy and check.state != "ok":
            remedies.setdefault(check.remedy, []).append(check.name)
    for remedy, names in remedies.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        session.output.say(f"{', '.join(names[:3])}{more}: {remedy}")
    if failed:
        raise typer.Exit(1)


def _checks(session: Session) -> Iterator[Check]:
    yield from _guarded("versions", _versions)
    yield from _guarded("home", _home)
    reached = list(_guarded("database", lambda: _database(session.database)))
    yield from reached
    if reached[-1].state == "fail":
        yield Check("the rest", "warn", "not checked without the database")
        return
    yield from _guarded("rights", lambda: _rights(session.database))
    yield from _guarded("ledger", lambda: _ledger(session.database))
    yield from _guarded("pipelines", lambda: _pipelines(session))


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The checks, or, where looking itself fails, that."""
    try:
        yield from look()
    except HeliotropeError as error:
        yield Check(name, "fail", error.message, _remedy(error.remedy))
    except Exception as error:
        yield Check(name, "fail", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _remedy(said: str) -> str:
    """The remedy, but for one that points here."""
    return "grant the role what it lacks" if "`heliotrope doctor`" in said else said


# --- this machine ------------------------------------------------------------------------------------------


def _versions() -> Iterator[Check]:
    from importlib import metadata

    from heliotrope.provenance import library_versions

    versions = library_versions()
    yield Check("python", "ok", versions["python"])
    others = {name: version for name, version in versions.items() if name != "python"}
    for name in ("adbc-driver-postgresql", "apprise", "psycopg", "mlflow-skinny", "matplotlib"):
        try:
            others[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Check(name, "fail", "not installed", f"pip install {name}")
    yield Check("libraries", "ok", ", ".join(f"{name} {version}" for name, version in sorted(others.items())))


def _home() -> Iterator[Check]:
    from heliotrope.database import home

    folder = home()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    remedy = "let HELIOTROPE_HOME name a folder that can be written"
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            pass
    except OSError as error:
        yield Check("home", "fail", f"{folder} cannot be written: {error.strerror or error}", remedy)
        return
    yield Check("home", "ok", f"{folder}{'' if folder.exists() else ' (not made yet)'}")
    free = shutil.disk_usage(there).free
    state: State = "fail" if free < SMALL else "warn" if free < TIGHT else "ok"
    yield Check("disk", state, f"{free / 2**30:.1f} GiB free", "free some, or let HELIOTROPE_HOME name another disk")


# --- the database ------------------------------------------------------------------------------------------


def _database(database: Database) -> Iterator[Check]:
    from heliotrope.database import without_password

    with database.errors(), database.connect() as connection:
        version = connection.info.server_version
        row = connection.execute(
            "SELECT now(), current_setting('TimeZone'), current_user,"
            " pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"
        ).fetchone()
        assert row is not None
    kind = "embedded, " if database.embedded else ""
    yield Check("server", "ok", f"PostgreSQL {version // 10000}.{version % 10000}, {kind}as {row[2]}")
    yield Check(
        "time zone",
        "ok" if row[1] == "UTC" else "fail",
        f"sessions run in {row[1]}",
        "let the connection pooler pass the option TimeZone on",
    )
    skew = abs((row[0] - datetime.now(UTC)).total_seconds())
    yield Check("clock", "ok" if skew < _SKEW else "warn", f"{skew:.0f} s apart", "set both clocks by NTP")
    yield Check("database", "ok", without_password(database.url))
    if row[3]:
        yield Check("writing", "fail", "read-only", "name the primary server, or a database and role that may write")
    if database.embedded:
        from heliotrope import server

        folder = database.embedded
        yield Check("server files", "ok", f"data in {server.data_of(folder)}, log in {server.log_of(folder)}")


def _rights(database: Database) -> Iterator[Check]:
    with database.errors(), database.connect() as connection:
        row = connection.execute(
            "SELECT to_regnamespace('heliotrope') IS NOT NULL, has_database_privilege(current_database(), 'CREATE'),"
            " current_schema(), coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), current_database()"
        ).fetchone()
        assert row is not None
        there, may_create, schema, may_fill, name = row
        lacking = connection.execute(
            "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('heliotrope')"
            " AND c.relkind = 'r' AND NOT (has_schema_privilege(c.relnamespace, 'USAGE')"
            " AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')) ORDER BY 1"
        ).fetchall()
    if there:
        said = "may read and add to the ledger" if not lacking else f"may not use heliotrope.{lacking[0][0]}"
        remedy = "GRANT USAGE ON SCHEMA heliotrope, and SELECT, INSERT ON ALL TABLES IN SCHEMA heliotrope, to the role"
        yield Check("ledger rights", "fail" if lacking else "ok", said, remedy)
    else:
        said = "may make the ledger's schema" if may_create else "may not make the schema heliotrope"
        yield Check(
            "ledger rights", "ok" if may_create else "fail", said, f"GRANT CREATE ON DATABASE {name} to the role"
        )
    said = f"may make tables in {schema}" if may_fill else f"may make no tables in {schema or 'the search path'}"
    yield Check("table rights", "ok" if may_fill else "warn", said, "grant it, if `heliotrope load` is to make a table")


def _ledger(database: Database) -> Iterator[Check]:
    from heliotrope.ledger import CURRENT, version

    found = version(database)
    if found is None:
        yield Check("ledger", "warn", "none yet", "run `heliotrope migrate`, or any verb that writes")
    elif found < CURRENT:
        yield Check("ledger", "warn", f"version {found}, older than {CURRENT}", "run `heliotrope migrate`")
    elif found > CURRENT:
        yield Check("ledger", "fail", f"version {found}, newer than {CURRENT}", "install a newer heliotrope")
    else:
        yield Check("ledger", "ok", f"version {found}")


# --- what is on record -------------------------------------------------------------------------------------


def _pipelines(session: Session) -> Iterator[Check]:
    from heliotrope.ledger import CURRENT, version

    if version(session.database) != CURRENT:
        return
    pipelines = session.all_recorded()
    yield Check("pipelines", "ok", ", ".join(pipelines) or "none on record yet")
    for name, pipeline in pipelines.items():
        yield from _guarded(f"{name} models", partial(_models, session, pipeline))
        if pipeline.registry == "mlflow":
            yield from _guarded(f"{name} in MLflow", partial(_registered, session, pipeline))
        if pipeline.notify:
            yield from _guarded(f"{name} messages", partial(_messages, session, pipeline))


def _models(session: Session, pipeline: Pipeline) -> Iterator[Check]:
    """Every champion's file; only the one that serves is needed today, an earlier one to go back to."""
    from heliotrope.database import home
    from heliotrope.ledger import champions, pipeline_id
    from heliotrope.store import Artifacts

    artifacts = Artifacts(home() / "artifacts")
    with session.reading() as connection:
        known = champions(connection, pipeline_id(connection, pipeline.name) or 0)
    bad: dict[str, ArtifactError] = {}
    for sha256 in {one.training.artifact or "" for one in known}:
        try:
            artifacts.get(sha256)
        except ArtifactError as error:
            bad[sha256] = error
    name = f"{pipeline.name} models"
    if not bad:
        yield Check(name, "ok", f"{counted(len(known), 'champion')}, every file there and unchanged")
        return
    serving = known[-1].training.artifact or ""
    if serving in bad:
        yield Check(name, "fail", f"the champion: {bad[serving].message}", bad[serving].remedy)
    earlier = [error for sha256, error in bad.items() if sha256 != serving]
    if earlier:
        yield Check(
            name, "warn", f"{counted(len(earlier), 'earlier model file')}: {earlier[0].message}", earlier[0].remedy
        )


def _messages(session: Session, pipeline: Pipeline) -> Iterator[Check]:
    """Whether addresses can be had, and what is not through; nothing is sent."""
    from heliotrope.cli.messages import RECENT, left_text
    from heliotrope.ledger import Outbox, pipeline_id
    from heliotrope.notify import address

    for target in pipeline.notify:
        name = f"{pipeline.name} to {target.name}"
        try:
            address(target)
        except MessageError as error:
            yield Check(name, "warn", error.message, error.remedy)
        else:
            yield Check(name, "ok", "has an address")
    with session.reading() as connection:
        left = Outbox(connection, pipeline_id(connection, pipeline.name) or 0).left(since=RECENT)
    remedy = f"see `heliotrope notify {pipeline.name} --pending`"
    yield Check(f"{pipeline.name} messages", "warn" if left else "ok", left_text(left), remedy)


def _registered(session: Session, pipeline: Pipeline) -> Iterator[Check]:
    from heliotrope.ledger import pipeline_id
    from heliotrope.sql import statement

    name = f"{pipeline.name} in MLflow"
    with session.reading() as connection:
        scope = {"pipeline_id": pipeline_id(connection, pipeline.name), "segment": ""}
        waiting = len(connection.execute(statement("to_register"), scope).fetchall())
        there = connection.execute("SELECT to_regnamespace('mlflow') IS NOT NULL").fetchone() == (True,)
    if not there and not os.environ.get("MLFLOW_TRACKING_URI"):
        state: State = "warn" if waiting else "ok"
        yield Check(
            name,
            state,
            f"not used yet, {counted(waiting, 'champion')} to be registered",
            "the next cycle registers them",
        )
        return
    version = _version_in_mlflow(session.database, pipeline)
    state = "warn" if waiting else "ok"
    said = f"@champion is version {version}" if version else "no @champion yet"
    said += f", {waiting} to be registered" if waiting else ""
    yield Check(name, state, said, "the next cycle registers them")


def _version_in_mlflow(database: Database, pipeline: Pipeline) -> str | None:
    """What MLflow itself answers. Raises RegistryError when it cannot be reached."""
    from heliotrope.context import Context
    from heliotrope.publish.registrations import registry_uri
    from heliotrope.registry import Registry

    with Context(pipeline, database) as context:
        registry = Registry(registry_uri(context), artifact_root=context.folder / "mlflow")
        try:
            return registry.version_of(pipeline.name)
        finally:
            registry.close()
