"""A stretch of stored rows held in memory, column by column, and contexts that run cycles over it.

The rows are read once, in parts, and no more than :data:`LARGEST` bytes of them. What several policies have in common
is done once: a batch is validated once, an equal fit is made once, a model is scored on a batch once, and drift
between the same batches is measured once. Policies go through time side by side, so that only the models that serve
somewhere and those of the newest interval are kept.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from psycopg import sql

from heliotrope import window as windows
from heliotrope.candidates import artifact
from heliotrope.context import Context
from heliotrope.errors import DataError
from heliotrope.interval import Interval, format_time
from heliotrope.records import Batch, Training
from heliotrope.store import Relation, Rows
from heliotrope.whatif.memory import NOWHERE, MemoryLedger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.candidates.model import Model
    from heliotrope.config import Pipeline

__all__ = ["LARGEST", "History", "PastContext", "Shared", "read"]

LARGEST = 2 * 2**30
"""Bytes of rows that are held at most."""
_PART = 256  # intervals read at once
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class History:
    """Stored rows in the order of time: the time as timestamp[us, UTC], features, target."""

    table: pa.Table
    relation: Relation
    reach: tuple[datetime, datetime]
    """The times of the first and the last row of the source, which may lie outside of what is held."""
    source: Rows
    """Where the rows are from; asked again for what is drawn in the database."""

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Every row's time in microseconds since the Unix epoch, shape (rows,)."""
        return np.asarray(self.table.column(0).cast(pa.int64()).to_numpy())

    def between(self, start: datetime, end: datetime) -> pa.Table:
        """The rows of ``[start, end)``; nothing is copied."""
        bounds = [(time - _EPOCH) // _MICROSECOND for time in (start, end)]
        low, high = np.searchsorted(self.times, bounds)
        return self.table.slice(low, high - low)

    def write(self, path: Path) -> None:
        """The rows as an Arrow file, which other processes map into their memory."""
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, self.table.schema) as writer:
            writer.write_table(self.table)

    @classmethod
    def mapped(cls, path: Path, relation: Relation, reach: tuple[datetime, datetime], source: Rows) -> History:
        """The rows of such a file, of which the system holds one copy for all processes."""
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        return cls(table, relation, reach, source)


def read(
    context: Context, span: Sequence[Interval], pipelines: Collection[Pipeline], advance: Callable[[str], object]
) -> History:
    """The rows that cycles of the pipelines over ``span`` need: windows reach back before it.

    Raises DataError where they take more than :data:`LARGEST` bytes.
    """
    reach = context.rows.span()
    assert reach is not None, "a span is of rows"
    low, step = _earliest(context, span, pipelines), context.pipeline.interval
    columns = context.pipeline.reads
    parts: list[pa.Table] = []
    size = 0
    while low < span[-1].end:
        high = min(low + _PART * step, span[-1].end)
        part = context.rows.read(low, high, columns)
        parts.append(part.take(np.argsort(part.column(0).cast(pa.int64()).to_numpy(), kind="stable")))
        size += part.nbytes
        if size > LARGEST:
            raise DataError(
                f"the rows up to {format_time(high)} take more than {LARGEST // 2**30} GiB in memory",
                remedy="name a shorter range with --start and --end, and windows that reach less far back",
            )
        advance(f"read up to {format_time(high)}")
        low = high
    return History(pa.concat_tables(parts).combine_chunks(), context.rows.relation, reach, context.rows)


def _earliest(context: Context, span: Sequence[Interval], pipelines: Collection[Pipeline]) -> datetime:
    """The start of the first interval that any window, or the reference of drift, reaches."""
    begin, step = span[0].start, context.pipeline.interval
    first = context.first or begin
    starts = [max(first, begin - context.pipeline.drift.intervals * step)]
    for candidate in (one for pipeline in pipelines for one in pipeline.candidates):
        chosen = windows.select(candidate.window, end=begin, step=step, first=first)
        starts += [] if chosen is None else [chosen.start]
    return min(begin, *starts)


class Shared:
    """What cycles of several policies over one history need not do twice."""

    def __init__(self) -> None:
        self.batches: OrderedDict[tuple[datetime, tuple[str, ...] | None], Batch] = OrderedDict()
        self.models: dict[str, Model] = {}
        self.seconds: dict[str, float] = {}
        """What a fit took, by its fingerprint."""
        self.fits = 0
        self.scores = 0
        self.measurements = 0
        self._known: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}
        self._drawn: dict[tuple[Any, ...], Any] = {}
        self._used: set[str] = set()
        self._savable: set[str] = set()

    def once(self, what: str, of: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returned when it was asked for the same objects before; they are held, so none is new."""
        key = (what, *map(id, of))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (of, compute())
            if what == "score":
                self.scores += 1
            else:
                self.measurements += 1
        value: T = found[1]
        return value

    def drawn(self, asked: tuple[Any, ...], draw: Callable[[], T]) -> T:
        """What the database answered when it was asked the same in this interval before."""
        if asked not in self._drawn:
            self._drawn[asked] = draw()
        answer: T = self._drawn[asked]
        return answer

    def add(self, fingerprint: str, model: Model) -> None:
        """Keep a model that was just fitted."""
        self.fits += 1
        self.models[fingerprint] = model
        self._used.add(fingerprint)

    def took(self, training: Training) -> None:
        """Note what the training's fit took, where it was made for it and not found."""
        if training.seconds:
            self.seconds[training.fingerprint] = training.seconds

    def find(self, fingerprint: str) -> Model | None:
        """The model of an equal fit."""
        self._used.add(fingerprint)
        return self.models.get(fingerprint)

    def check_savable(self, model: Model, candidate: str) -> None:
        """Raise ArtifactError where the candidate's models cannot be kept as files; tried once."""
        if candidate not in self._savable:
            artifact.dump(model)
            self._savable.add(candidate)

    def end_interval(self, serving: Collection[str]) -> None:
        """Every policy has run the interval: drop what the next one cannot ask for again."""
        self._known.clear()
        self._drawn.clear()
        kept = self._used | set(serving)
        self.models = {fingerprint: model for fingerprint, model in self.models.items() if fingerprint in kept}
        self._used = set()


class PastContext(Context):
    """A context whose rows are in memory, whose ledger is too, and which shares its work with others."""

    holds_rows = True

    def __init__(self, pipeline: Pipeline, history: History, shared: Shared) -> None:
        super().__init__(pipeline, NOWHERE, folder=Path())
        self.memory = MemoryLedger(pipeline, shared.took)
        self.ledger = self.memory
        self.rows = _PastRows(pipeline, history, shared)
        self.shared = shared
        self._batches = shared.batches

    def span(self, name: str, interval: Interval) -> AbstractContextManager[object]:
        """None: what is only tried is no cycle."""
        return nullcontext()

    def forget(self, interval: Interval) -> None:
        """The past does not change."""

    def once(self, what: str, of: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, done once for all policies."""
        return self.shared.once(what, of, compute)

    def remember(self, fingerprint: str, model: Model) -> None:
        """Keep a fitted model for every policy."""
        self.shared.add(fingerprint, model)

    def model(self, training: Training) -> Model:
        """The model of a training."""
        found = self.shared.find(training.fingerprint)
        assert found is not None, f"{training.candidate} of {training.window} serves and is kept"
        return found

    def equal_fit(self, fingerprint: str) -> tuple[Model, str | None] | None:
        """A model that any policy fitted to the very same rows before."""
        found = self.shared.find(fingerprint)
        return None if found is None else (found, None)

    def save(self, model: Model) -> str:
        """Its hash, which recall alone asks for; no file is kept, but one must be possible, as it is in a replay."""
        if self.pipeline.recall is not None:
            return hashlib.sha256(artifact.dump(model)).hexdigest()
        self.shared.check_savable(model, model.candidate)
        return ""

    def asked_next(self, interval: Interval) -> set[str]:
        """The fingerprints of the models that the next interval asks: who serves, served before, is in the shadow.

        With recall all champions of the past may be asked too.
        """
        reign = self.memory.reign_at(interval.end)
        asked = {one.training.fingerprint for one in (reign.champion, reign.previous, reign.shadow) if one is not None}
        past = self.memory.champions_until(interval.end) if self.pipeline.recall is not None else ()
        return asked | {one.training.fingerprint for one in past}


class _PastRows(Rows):
    """The rows of a history in the place of those of a table."""

    def __init__(self, pipeline: Pipeline, history: History, shared: Shared) -> None:
        super().__init__(NOWHERE, pipeline.source.table, pipeline.source.time, time_zone=pipeline.source.time_zone)
        self._history, self._shared = history, shared

    @property
    def relation(self) -> Relation:
        return self._history.relation

    def read(self, start: datetime, end: datetime, columns: Sequence[str]) -> pa.Table:
        return self._history.between(start, end).select([self.time, *columns])

    def span(self, *, end: datetime | None = None, seconds: float | None = None) -> tuple[datetime, datetime] | None:
        return self._history.reach

    def fetch(self, query: sql.Composed, start: datetime, end: datetime, *, quota: str = "[]") -> pa.Table:
        asked = ("fetch", query.as_string(), start, end, quota)
        return self._shared.drawn(asked, lambda: self._history.source.fetch(query, start, end, quota=quota))

    def ask(self, query: sql.Composed, start: datetime, end: datetime, *, seconds: float | None = None) -> list[Any]:
        asked = ("ask", query.as_string(), start, end)
        return self._shared.drawn(asked, lambda: self._history.source.ask(query, start, end, seconds=seconds))
