"""One pipeline's record: its connection, its lock, its transactions, and what it is called there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Self

from psycopg.types.json import Json

from heliotrope.config import Pipeline
from heliotrope.database import Database, lock_key
from heliotrope.declaration import changes
from heliotrope.errors import ConfigError, ConnectionLostError
from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.history import pipeline_id
from heliotrope.ledger.migrate import check
from heliotrope.ledger.outbox import Outbox
from heliotrope.locks import milliseconds, waited_for
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = ["Hold", "Notice"]

_log = logging.getLogger(__name__)

Notice = Callable[[str, str], None]
"""Is told a thing to know, and what to do about it."""


class _Line:
    """The one connection of a pipeline's ledgers: of the whole, and of the segments."""

    def __init__(self) -> None:
        self.connection: psycopg.Connection[Any] | None = None
        self.checked = False


class Hold:
    """One connection for one (pipeline, segment): locks, transactions, and the names that its rows stand under.

    ``notice`` is told, with what to do about it, when a declaration is recorded that reads other data than the one
    before. Raises LedgerError when the tables are absent or of another version.
    """

    def __init__(
        self, database: Database, pipeline: Pipeline, *, segment: str = "", notice: Notice | None = None
    ) -> None:
        self.database = database
        self.pipeline = pipeline
        self.segment = segment
        self.notice = notice
        self.tells = False
        """Whether decisions are told to the pipeline's targets: what tells of them is then written with them."""
        self.patience: float | None = None
        """Seconds that a lock is waited for; None: as long as locks are."""
        self._untold: list[int] = []
        self.actor = "heliotrope"
        """Who decides, where nobody else is named."""
        self._line = _Line()
        self._pipeline_id: int | None = None
        self._ids: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, and with it the lock. The next call opens another."""
        connection, self._line.connection = self._line.connection, None
        if connection is not None:
            connection.close()

    def beside(self, segment: str) -> Self:
        """The record of another segment, over the same connection."""
        _ = self.ids
        other = copy(self)
        other.segment = segment
        other._untold = []
        return other

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection, opened when first used, in autocommit: transactions are begun where they are meant."""
        line = self._line
        if line.connection is None or line.connection.closed:
            if not line.checked:
                check(self.database)
                line.checked = True
            line.connection = self.database.connect(autocommit=True)
        return line.connection

    @contextmanager
    def lock(self, of: Literal["cycle", "publish"] = "cycle") -> Iterator[None]:
        """Hold the pipeline and segment: one cycle at a time, whichever process runs it. A killed holder lets go.

        What is published has a lock of its own, as no cycle waits for it.

        Who holds it is said when that takes more than some seconds. Raises LockedError when it is not free in ten
        minutes (or ``patience``), ConfigError when the pipeline on record under this name is of another interval,
        target or task.
        """
        key = lock_key(of, self.pipeline.name, self.segment)

        def take(seconds: float) -> None:
            wait = {"key": key, "milliseconds": milliseconds(seconds)}
            with self.database.errors(), self.connection.pipeline():
                # Waiting is no slow statement. The setting, too, ends with the one round trip that both take.
                self.connection.execute("SELECT set_config('statement_timeout', '0', true)")
                self.connection.execute(statement("take_lock_within"), wait)

        whose = f"{self.pipeline.name}, {self.segment}" if self.segment else self.pipeline.name
        what = f"the lock of {whose}" + ("" if of == "cycle" else "'s publishing")
        waited_for(self.database, what, take, key=key, limit=self.patience)
        try:
            _ = self.ids  # refuses another problem under this name before anything is read for it
            yield
        finally:
            connection = self._line.connection
            if connection is not None and not connection.closed:
                try:
                    with self.database.errors():
                        connection.execute(statement("release_lock"), {"key": key})
                except ConnectionLostError:
                    self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept together, or not at all; messages that tell of it too."""
        self._untold.clear()
        with self.database.errors(), self.connection.transaction():
            yield
            if self._untold:
                self._tell()

    def _tell(self) -> None:
        """Write the messages of what was decided; what goes wrong with them is said, and fails no decision."""
        try:
            with self.connection.transaction():
                self.outbox.tell(self.pipeline, self._untold)
        except Exception as error:
            if self.connection.closed:
                raise  # it is the connection that was lost, and the decision with it
            text = f"nobody is told of what was decided: {' '.join(str(error).split())}"
            _log.warning("%s", text) if self.notice is None else self.notice(text, "see `heliotrope doctor`")

    @property
    def outbox(self) -> Outbox:
        """The pipeline's messages."""
        return Outbox(self.connection, self.ids[0], self.segment)

    def _rows(self, query: str, **parameters: object) -> list[Any]:
        with self.database.errors():
            scope = {"pipeline_id": self.pipeline_id, "segment": self.segment}
            return self.connection.execute(statement(query), scope | parameters).fetchall()

    def _add(self, query: str, **parameters: object) -> int:
        found = self.connection.execute(statement(query), parameters).fetchone()
        assert found is not None
        return int(found[0])

    def _scope(self) -> dict[str, object]:
        pipeline_id, version_id = self.ids
        return {"pipeline_id": pipeline_id, "version_id": version_id, "segment": self.segment}

    @property
    def pipeline_id(self) -> int:
        """The pipeline's id. It is only read where there is one, so that a role that may not write can ask."""
        if self._ids is not None:
            return self._ids[0]
        if self._pipeline_id is None:
            with self.database.errors():
                self._pipeline_id = pipeline_id(self.connection, self.pipeline.name)
        return self.ids[0] if self._pipeline_id is None else self._pipeline_id

    @property
    def ids(self) -> tuple[int, int]:
        """The pipeline's id and its declaration's; a declaration that is not the one in force is recorded."""
        if self._ids is None:
            declared = self.pipeline.model_dump(mode="json")
            whole = hashlib.sha256(json.dumps(declared).encode()).hexdigest()
            with self.transaction():
                # Two sessions at once would each miss the row that the other makes, and get no id.
                key = lock_key("pipeline", self.pipeline.name)
                self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
                name = self.pipeline.name
                found = self.connection.execute(statement("newest_declaration"), {"name": name}).fetchone()
                before = declared if found is None else found[0]
                self._refuse_another_problem(before, declared)
                ours = self._add("ensure_pipeline", name=name)
                version_id = self._add(
                    "ensure_pipeline_version", pipeline_id=ours, fingerprint=whole, config=Json(declared)
                )
            self._ids = (ours, version_id)
            self._say_changes(before, declared)
        return self._ids

    def _refuse_another_problem(self, before: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
        """Cycles of another interval, target or task cannot be compared with those on record under the name."""
        with reading("pipeline_version", f"of {self.pipeline.name}"):
            known = table_of(before, "declaration")
        for key in ("interval", "target", "task"):
            if known.get(key) != declared[key]:
                raise ConfigError(
                    f"{self.pipeline.name} is on record with {key} {known.get(key)!r}, not {declared[key]!r}",
                    remedy="give the pipeline another name, so that it has a history of its own",
                )
        parted, by = known.get("partition_by"), declared["partition_by"]
        if parted is not None and by is not None and parted != by:
            raise ConfigError(
                f"{self.pipeline.name} is on record with segments by {parted!r}, not {by!r}",
                remedy="give the pipeline another name, so that its segments have a history of their own",
            )

    def _say_changes(self, before: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
        other = [change.text for change in changes(before, declared) if change.of_data]
        if other and self.notice is not None:
            self.notice(
                f"{self.pipeline.name} reads other data than before, from now on: {'; '.join(other)}",
                "nothing, if it is still the same problem; else give the pipeline another name",
            )
