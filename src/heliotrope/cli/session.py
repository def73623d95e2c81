"""What every verb starts from: the database and the pipeline that its arguments mean."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from heliotrope.cli.output import Output
from heliotrope.errors import ConfigError, LedgerError, nearest

if TYPE_CHECKING:
    import psycopg

    from heliotrope.config import Pipeline
    from heliotrope.context import Context
    from heliotrope.database import Database

__all__ = ["BEGIN", "Session", "known_id", "parsed"]

BEGIN = "see it at work with `heliotrope demo`, or begin with `heliotrope init TABLE`"
_ENDINGS = (".yaml", ".yml")


class Session:
    """One call of the command line: its output, its database, and how it finds its pipeline."""

    verb: ClassVar[str] = ""
    """What was asked for: the database's own lists show it beside the pipeline's name."""

    def __init__(self, url: str | None, as_json: bool) -> None:
        self.url = url
        self.output = Output(as_json)

    @cached_property
    def database(self) -> Database:
        """The database the options and the environment name; the embedded one is started."""
        from heliotrope.database import resolve

        return resolve(self.url)

    def is_fresh(self) -> bool:
        """Whether the database would be the embedded one and was never made: nothing can be on record."""
        from heliotrope import database

        if self.url or database.is_named(os.environ):
            return False
        from heliotrope import server

        return server.data_of(database.home() / "postgres") is None

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to a ledger that is there. Raises LedgerError where there is none."""
        from heliotrope.ledger.migrate import check

        if self.is_fresh():
            raise LedgerError("nothing is on record yet: there is no database", remedy=BEGIN)
        check(self.database)
        with self.database.errors(), self.database.connect(autocommit=True) as connection:
            yield connection

    @contextmanager
    def writing(self, pipeline: Pipeline, segment: str = "") -> Iterator[Context]:
        """The context of the pipeline, or a segment of it, with the ledger's tables brought to this version first."""
        from heliotrope.context import Context
        from heliotrope.ledger import migrate

        self.database.application = f"heliotrope {self.verb} {pipeline.name}"
        if migrate(self.database):
            self.output.say("made the ledger's tables")
        with (
            Context(pipeline, self.database, segment=segment, notice=self.output.warn) as context,
            self.output.alone(),
        ):
            yield context

    # --- which pipeline ----------------------------------------------------------------------------------

    def declared(self, argument: str | None) -> Pipeline:
        """The pipeline of a YAML file; without one, the only one in this folder, else the only one on record."""
        from heliotrope.config import load

        if argument is not None:
            if not Path(argument).exists():
                raise ConfigError(f"there is no file {argument!r}", remedy=_which_file(argument))
            return load(argument)
        files = _files()
        if len(files) == 1:
            return load(files[0])
        if not files:
            on_record = self.on_record()
            if len(on_record) == 1:
                return parsed(*next(iter(on_record.items())))
            if on_record:
                raise _ambiguous(on_record)
            raise ConfigError("there is no pipeline's YAML file in this folder", remedy=f"name one, or {BEGIN}")
        raise _ambiguous([str(file) for file in files])

    def recorded(self, argument: str | None) -> Pipeline:
        """The pipeline of a name on record or of a YAML file; without one, the only one there is."""
        if argument is not None and (Path(argument).is_file() or argument.endswith(_ENDINGS)):
            return self.declared(argument)
        on_record = self.on_record()
        if argument is not None:
            if argument in on_record:
                return parsed(argument, on_record[argument])
            remedy = nearest(argument, on_record) if on_record else BEGIN
            raise ConfigError(f"no pipeline {argument!r} is on record, and there is no such file", remedy=remedy)
        if len(on_record) == 1:
            return parsed(*next(iter(on_record.items())))
        files = _files()
        if len(files) == 1:
            return self.declared(str(files[0]))
        if on_record or files:
            raise _ambiguous([*on_record, *map(str, files)])
        raise LedgerError("nothing is on record yet", remedy=BEGIN)

    def all_recorded(self) -> dict[str, Pipeline]:
        """Every pipeline on record, by name."""
        return {name: parsed(name, declaration) for name, declaration in self.on_record().items()}

    def on_record(self) -> dict[str, Mapping[str, Any]]:
        """The declaration of every pipeline on record, by name; not yet looked at."""
        from heliotrope.ledger import version
        from heliotrope.sql import statement

        if self.is_fresh() or version(self.database) is None:
            return {}
        with self.reading() as connection:
            return dict(connection.execute(statement("recorded_pipelines")).fetchall())


def known_id(connection: psycopg.Connection[Any], pipeline: Pipeline) -> int:
    """The id of a pipeline on record. Raises LedgerError for one that never ran."""
    from heliotrope.ledger import pipeline_id

    found = pipeline_id(connection, pipeline.name)
    if found is None:
        raise LedgerError(f"{pipeline.name} is not on record yet", remedy="run it with `heliotrope replay`")
    return found


def parsed(name: str, declaration: Mapping[str, Any]) -> Pipeline:
    """The pipeline of a declaration on record. Raises ConfigError or LedgerError for one that cannot be read."""
    from heliotrope.config import parse
    from heliotrope.ledger import reading, table_of

    with reading("pipeline_version", f"of {name}"):
        table_of(declaration, "declaration")
    return parse(declaration, where=f"the record of {name}")


def _files() -> list[Path]:
    """The YAML files in this folder that look like a pipeline's, whether or not they are right."""
    from heliotrope.config.document import read

    found = []
    for file in sorted(one for ending in _ENDINGS for one in Path().glob(f"*{ending}")):
        try:
            said = read(file).data
        except ConfigError:
            continue
        if {"source", "candidates"} <= said.keys():
            found.append(file)
    return found


def _which_file(argument: str) -> str:
    files = [str(file) for file in _files()]
    return nearest(argument, files) if files else "name a pipeline's YAML file; `heliotrope init TABLE` writes one"


def _ambiguous(names: Any) -> ConfigError:
    shown = ", ".join(repr(name) for name in names)
    return ConfigError(f"there are several pipelines: {shown}", remedy="name the one that is meant")
