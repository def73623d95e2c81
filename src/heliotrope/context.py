"""What the steps of a cycle work with: one pipeline's rows, ledger and model files, and what of them is in memory."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heliotrope import spans
from heliotrope.candidates import artifact
from heliotrope.columns import as_utc
from heliotrope.config import Candidate, Pipeline
from heliotrope.content import content_hash
from heliotrope.database import Database, home
from heliotrope.errors import ArtifactError, ConfigError, ModelError, SchemaError, shown
from heliotrope.interval import Interval, floor, format_time, intervals
from heliotrope.ledger import Ledger, Notice, declarations
from heliotrope.provenance import code_version, seed_for
from heliotrope.records import Batch, Champion, Training, Verdict
from heliotrope.store import Artifacts, Draw, Part, Rows
from heliotrope.threads import wait_asleep
from heliotrope.validate import infer_kinds, validate

if TYPE_CHECKING:
    from heliotrope.candidates.model import Model
    from heliotrope.config import Window

__all__ = ["Context", "Fitted", "utc_now"]

Kind = Literal["numeric", "categorical"]
T = TypeVar("T")

_CACHED_BYTES = 512 * 2**20
_CACHED_MODELS = 32
_FEWEST_MODELS = 6
"""Models that are kept of one of many segments: the champion, the one before, those in the shadow and competing."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Fitted(NamedTuple):
    """What is remembered of a batch that a model was fitted to."""

    start: datetime
    content_hash: str
    rows: int

    @classmethod
    def of(cls, batch: Batch) -> Fitted:
        """Of a batch."""
        return cls(batch.interval.start, batch.content_hash, batch.rows)


class Context:
    """Everything a cycle needs, opened when first used. Use it as a context manager, or close it.

    ``clock`` says when things are recorded; it decides nothing. ``notice`` is told, with what to do about it, when
    the pipeline reads other data than it did when it was last on record.
    """

    holds_rows = False
    """Whether the rows are in memory anyway, so that reading them one interval after the other spares nothing."""

    def __init__(
        self,
        pipeline: Pipeline,
        database: Database,
        *,
        folder: Path | None = None,
        segment: str = "",
        clock: Callable[[], datetime] = utc_now,
        notice: Notice | None = None,
    ) -> None:
        wait_asleep()
        self.pipeline = pipeline
        self.database = database
        self.folder = folder or home()
        self.segment = segment
        self.clock = clock
        source, part = pipeline.source, None
        if segment:
            part = _part(pipeline, segment)
        self.rows = Rows(database, source.table, source.time, time_zone=source.time_zone, part=part)
        self.ledger = Ledger(database, pipeline, segment=segment, notice=notice)
        self.artifacts = Artifacts(self.folder / "artifacts")
        self.code_version = code_version(Path.cwd())
        self.known_at: datetime | None = None
        """Rows that became known later are not there; None: all are."""
        self._kinds: dict[str, Kind] | None = None
        self._whole: Context | None = None
        self._remember_nothing(_CACHED_BYTES, _CACHED_MODELS)

    def _remember_nothing(self, most_bytes: int, most_models: int) -> None:
        self.scratch: dict[str, Any] = {}
        """What a caller chose or opened once and wants again; closed and gone with the context."""
        self._first: datetime | None = None
        self._batches: OrderedDict[tuple[datetime, tuple[str, ...] | None], Batch] = OrderedDict()
        self._cached_bytes = 0
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._most_bytes, self._most_models = most_bytes, most_models

    def beside(self, segment: str, rows: Rows, *, first: datetime | None = None, sharers: int = 1) -> Context:
        """The context of a segment (empty: of the whole) over the same connections, closed with this one.

        ``rows`` are the segment's, the first of them in the interval that begins at ``first``. Each of
        ``sharers`` segments has its share of what is kept in memory.
        """
        _ = self.kinds
        other = copy(self)
        other.segment, other.rows, other.ledger = segment, rows, self.ledger.beside(segment)
        other._remember_nothing(_CACHED_BYTES // sharers, max(_CACHED_MODELS // sharers, _FEWEST_MODELS))
        other._first = first
        other._whole = None if not segment else self._whole if self.segment else self
        return other

    def know(self, interval: Interval) -> None:
        """Let only those rows be there that are known when the interval's cycle is run."""
        self.known_at = self.pipeline.known_at(interval)

    @property
    def whole(self) -> Context | None:
        """The context of the whole table, whose champion serves a segment without one; None: this is the whole's."""
        if self.segment and self._whole is None:
            rows = Rows(self.database, self.rows.table, self.rows.time, time_zone=self.rows.time_zone)
            self._whole = self.beside("", rows)
            self.scratch["rows of the whole"] = rows  # its connection is closed with this context
        return self._whole

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. What is used next opens others."""
        self.rows.close()
        self.ledger.close()
        for kept in self.scratch.values():
            if hasattr(kept, "close"):
                kept.close()

    def span(self, name: str, interval: Interval) -> AbstractContextManager[object]:
        """A span of OpenTelemetry round a cycle or a step of it, where spans are asked for."""
        at = format_time(interval.start)
        return spans.span(name, pipeline=self.pipeline.name, segment=self.segment, interval=at)

    def once(self, what: str, of: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, which hangs on ``of`` alone; kept only where many histories are run at once."""
        return compute()

    # --- rows --------------------------------------------------------------------------------------------

    @property
    def kinds(self) -> dict[str, Kind]:
        """Every feature as ``numeric`` or ``categorical``."""
        if self._kinds is None:
            # No row lies in an instant's worth of the year 1: the schema alone comes back.
            nothing = datetime(1, 1, 1, tzinfo=UTC)
            self._kinds = infer_kinds(self._read(nothing, nothing).schema, self.pipeline)
        return self._kinds

    @property
    def watched(self) -> dict[str, Kind]:
        """The features that are looked at for drift."""
        return {name: kind for name, kind in self.kinds.items() if name not in self.pipeline.drift.ignore}

    @property
    def first(self) -> datetime | None:
        """The start of the first interval that holds a row; None where there is no row."""
        if self._first is None:
            span = self.rows.span()
            self._first = None if span is None else floor(span[0], self.pipeline.interval)
        return self._first

    def _read(self, start: datetime, end: datetime, also: Collection[str] = ()) -> pa.Table:
        return self.rows.read(start, end, (*self.pipeline.reads, *also))

    def complete(self) -> datetime:
        """The time up to which an interval must have ended for its cycle to be run now."""
        return self.clock() - self.pipeline.source.wait

    def batches(
        self,
        window: Interval,
        known_classes: Collection[str] | None = None,
        also: Mapping[str, Kind] = MappingProxyType({}),
    ) -> list[Batch]:
        """The batches of the intervals in ``window``, in order, each validated; read once and kept in memory.

        ``also`` are columns beside the declared ones, as :func:`heliotrope.validate.validate` takes them; those that
        the table does not have are left out. One read serves calls with them and without.
        """
        wanted = list(intervals(window.start, window.end, self.pipeline.interval))
        known = None if known_classes is None else tuple(known_classes)
        also = {name: kind for name, kind in also.items() if name not in self.lacking(also)} if also else also
        kept = {interval.start: self._batches.get((interval.start, known)) for interval in wanted}
        missing = [one for one in wanted if not (_has(batch := kept[one.start], also) and self._is_known(batch))]
        fresh: dict[datetime, Batch] = {}
        for run in _runs(missing):
            table = self._read(run[0].start, run[-1].end, also)
            for interval, part in zip(run, self._split(table, run), strict=True):
                seen, known_from, known_until = self._seen(part)
                batch = validate(
                    seen, pipeline=self.pipeline, kinds=self.kinds, interval=interval, known_classes=known, also=also
                )
                fresh[interval.start] = replace(batch, known_from=known_from, known_until=known_until)
        found = [fresh.get(interval.start) or self._batches[interval.start, known] for interval in wanted]
        self._keep(fresh, known)
        return found if also else [self._declared(batch) for batch in found]

    def _is_known(self, batch: Batch | None) -> bool:
        """Whether the batch holds the rows that are known at the time, and no others."""
        if batch is None or self.known_at is None:
            return batch is not None and batch.known_until is None
        before = batch.known_from is None or batch.known_from < self.known_at
        return before and (batch.known_until is None or self.known_at <= batch.known_until)

    def _seen(self, table: pa.Table) -> tuple[pa.Table, datetime | None, datetime | None]:
        """The rows that are known at the time, when the last of them became known, and when the first of the others."""
        name = self.pipeline.source.recorded_at
        if name is None or not table.num_rows:
            return table, None, None
        try:
            times = as_utc(table[name], self.pipeline.source.time_zone)
        except SchemaError as error:
            raise SchemaError(f"{self.rows.relation}.{name} {error.message}", remedy=error.remedy) from None
        if self.known_at is None:
            return table, pc.max(times).as_py(), None
        late = pc.greater_equal(times, pa.scalar(self.known_at, times.type)).fill_null(False)
        if not pc.any(late).as_py():
            return table, pc.max(times).as_py(), None
        seen = pc.invert(late)
        return table.filter(seen), pc.max(times.filter(seen)).as_py(), pc.min(times.filter(late)).as_py()

    def _declared(self, batch: Batch) -> Batch:
        """The batch with the columns that the pipeline declares and no other."""
        columns = self.pipeline.columns
        return batch if batch.table.num_columns == len(columns) else replace(batch, table=batch.table.select(columns))

    def lacking(self, columns: Collection[str]) -> tuple[str, ...]:
        """Those of the columns that the table does not have."""
        there = {column.name for column in self.rows.relation.columns}
        return tuple(name for name in columns if name not in there)

    def undeclared(self, model: Model | None) -> dict[str, Kind]:
        """The features that a model takes and the pipeline does not declare, and what they are to the model."""
        if model is None:
            return {}
        return {name: kind for name, kind in model.kinds.items() if name not in self.pipeline.features}

    def _split(self, table: pa.Table, run: list[Interval]) -> list[pa.Table]:
        """The table's rows by interval, in the order of ``run``."""
        if len(run) == 1:
            return [table]
        times = table.column(0).cast(pa.int64()).to_numpy()
        microsecond = timedelta(microseconds=1)
        begin = (run[0].start - datetime(1970, 1, 1, tzinfo=UTC)) // microsecond
        index = (times - begin) // (self.pipeline.interval // microsecond)
        if np.any(index[1:] < index[:-1]):
            order = np.argsort(index, kind="stable")
            table, index = table.take(order), index[order]
        bounds = np.searchsorted(index, np.arange(len(run) + 1))
        return [table.slice(low, high - low) for low, high in pairwise(bounds)]

    def _keep(self, fresh: dict[datetime, Batch], known: tuple[str, ...] | None) -> None:
        for start, batch in fresh.items():
            before = self._batches.pop((start, known), None)
            self._cached_bytes -= 0 if before is None else before.table.nbytes
            self._batches[start, known] = batch
            self._cached_bytes += batch.table.nbytes
        while self._cached_bytes > self._most_bytes and self._batches:
            _, batch = self._batches.popitem(last=False)
            self._cached_bytes -= batch.table.nbytes

    def content_hashes(self, window: Interval, columns: Sequence[str]) -> dict[datetime, str]:
        """The hash of every interval's rows in ``window`` as they are now, by its start; nothing is validated.

        It is taken over ``columns``: the time under the name it had when the hash to compare with was taken, then the
        others. Raises SchemaError when the table lacks one of these.
        """
        run = list(intervals(window.start, window.end, self.pipeline.interval))
        table = self.rows.read(window.start, window.end, columns[1:])
        parts = [part.rename_columns(list(columns)) for part in self._split(table, run)]
        return {interval.start: content_hash(part) for interval, part in zip(run, parts, strict=True)}

    def forget(self, interval: Interval) -> None:
        """Read the interval's rows again when they are asked for next."""
        for key in [key for key in self._batches if key[0] == interval.start]:
            self._cached_bytes -= self._batches.pop(key).table.nbytes

    def usable(self, window: Interval, known_classes: Collection[str] | None = None) -> list[Batch]:
        """The batches of the window that may be trained on or compared with: neither held nor empty."""
        held = self.ledger.held_intervals(window.start, window.end)
        return [
            batch
            for batch in self.batches(window, known_classes)
            if batch.verdict is Verdict.OK and batch.rows and batch.interval.start not in held
        ]

    def sampled(self, span: Interval, window: Window, known_classes: Collection[str] | None = None) -> list[Batch]:
        """As :meth:`usable`, with no more rows in all than the window's budget: the rest stays in the database.

        Whether an interval is held is known from its cycle; what is wrong with single rows is dropped.
        """
        if window.max_rows is None:
            return self.usable(span, known_classes)
        pipeline = self.pipeline
        draw = Draw(
            sample=window.sample,
            most=window.max_rows,
            target=pipeline.target,
            labelled=pipeline.task == "classification",
            step=pipeline.interval,
            seed=seed_for(pipeline.seed, "sample"),
            held=self.ledger.held_intervals(span.start, span.end),
            recorded_at=pipeline.source.recorded_at,
            known_at=self.known_at,
        )
        table = draw.read(self.rows, span, pipeline.columns[1:])
        if table is None:
            return self.usable(span, known_classes)
        run = list(intervals(span.start, span.end, pipeline.interval))
        return [
            batch
            for interval, part in zip(run, self._split(table, run), strict=True)
            if part.num_rows and (batch := self._sifted(interval, part, known_classes)).rows
        ]

    def _sifted(self, interval: Interval, part: pa.Table, known_classes: Collection[str] | None) -> Batch:
        """Some of an interval's rows, without those that cannot be used."""
        return validate(
            part,
            pipeline=self._lenient,
            kinds=self.kinds,
            interval=interval,
            known_classes=None if known_classes is None else tuple(known_classes),
        )

    @cached_property
    def _lenient(self) -> Pipeline:
        """The pipeline, with no rule about a batch as a whole: a sample is not to be judged by its size."""
        rules = self.pipeline.validation
        dropped = {
            name: "drop"
            for name in ("on_null", "on_non_finite", "on_unlabelled", "on_unseen_class")
            if getattr(rules, name) != "allow"
        }
        kept = {"min_rows": 1, "on_too_few": "allow", "max_dropped": 1.0}
        return self.pipeline.model_copy(update={"validation": rules.model_copy(update=dropped | kept)})

    def streamed(self, span: Interval, known_classes: Collection[str] | None = None) -> Iterator[Batch]:
        """The batches of :meth:`usable`, one after the other, none of them kept in memory."""
        held = self.ledger.held_intervals(span.start, span.end)
        for interval in intervals(span.start, span.end, self.pipeline.interval):
            if interval.start in held:
                continue
            seen, *_ = self._seen(self._read(interval.start, interval.end))
            batch = validate(
                seen,
                pipeline=self.pipeline,
                kinds=self.kinds,
                interval=interval,
                known_classes=None if known_classes is None else tuple(known_classes),
            )
            if batch.verdict is Verdict.OK and batch.rows:
                yield batch

    # --- models ------------------------------------------------------------------------------------------

    def remember(self, fingerprint: str, model: Model) -> None:
        """Keep a fitted model in memory."""
        self._models[fingerprint] = model
        self._models.move_to_end(fingerprint)
        while len(self._models) > self._most_models:
            self._models.popitem(last=False)

    def model(self, training: Training) -> Model:
        """The model of a training that was kept. Raises ArtifactError when its file is missing or was changed."""
        found = self._models.get(training.fingerprint)
        if found is None:
            if training.artifact is None:
                raise ArtifactError(f"the model of candidate {training.candidate!r} was scored and not kept")
            found = self._load(training.artifact)
            self.remember(training.fingerprint, found)
        return found

    def equal_fit(self, fingerprint: str) -> tuple[Model, str | None] | None:
        """A model fitted before to the very same rows, from memory or from its file, and its file's hash."""
        sha256 = self.ledger.artifact_of(fingerprint)
        found = self._models.get(fingerprint)
        if found is None and sha256 is not None:
            try:
                found = self._load(sha256)
            except ArtifactError:
                return None  # lost or changed since: it is fitted again
            self.remember(fingerprint, found)
        return None if found is None else (found, sha256)

    def save(self, model: Model) -> str:
        """Keep the model's file; its SHA-256."""
        return self.artifacts.put(artifact.dump(model))

    def _load(self, sha256: str) -> Model:
        data, trusted = self.artifacts.get(sha256), trusted_packages(self.pipeline)
        try:
            return artifact.load(data, sha256=sha256, trusted_packages=trusted)
        except ArtifactError:
            # The candidate may be one that was declared when the model was made.
            earlier = self._packages_on_record() - trusted
            if not earlier:
                raise
            return artifact.load(data, sha256=sha256, trusted_packages=trusted | earlier)

    def _packages_on_record(self) -> frozenset[str]:
        """The top-level packages of the estimators of every declaration that the pipeline has had."""
        with self.database.errors():
            known = declarations(self.ledger.connection, self.ledger.pipeline_id, self.segment)
        return frozenset(one["estimator"].partition(".")[0] for had in known for one in had.config["candidates"])

    def serving(self, champion: Champion) -> Model:
        """The champion's model, as the pipeline may use it: its time column is the one that is declared now.

        Raises ArtifactError when its file is missing or was changed, ModelError when it is of another task.
        """
        model = self.model(champion.training)
        task = "classification" if model.classes else "regression"
        if task != self.pipeline.task:
            known = f" of {', '.join(map(repr, model.classes[:5]))}" if model.classes else ""
            raise ModelError(
                f"the champion on record, {champion.candidate!r}, is a {task}{known}; {self.pipeline.name} declares a "
                f"{self.pipeline.task}",
                remedy="give the pipeline another name, so that it has a history of its own",
            )
        time = self.pipeline.source.time
        return model if model.time in (None, time) else replace(model, time=time)

    def fingerprint(self, candidate: Candidate, batches: Sequence[Fitted], window: Interval, seed: int) -> str:
        """SHA-256 over all that a fit depends on. Equal fingerprints mean equal models."""
        said = {
            "candidate": candidate.model_dump(mode="json"),
            "task": self.pipeline.task,
            "kinds": list(self.kinds.items()),  # a list: their order is that of the columns a model sees
            "target": self.pipeline.target,
            "window": [window.start.isoformat(), window.end.isoformat()],
            "batches": [[one.start.isoformat(), one.content_hash, one.rows] for one in batches],
            "seed": seed,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _part(pipeline: Pipeline, segment: str) -> Part:
    if pipeline.partition_by is None:
        raise ConfigError(
            f"{pipeline.name} has no segments, and so none of the name {shown(segment)}",
            remedy="declare partition_by: COLUMN, or leave the segment out",
        )
    return Part(pipeline.partition_by, segment)


def trusted_packages(pipeline: Pipeline) -> frozenset[str]:
    """The top-level packages the pipeline's own estimators come from: the ones a model file may name types of."""
    return frozenset(candidate.estimator.partition(".")[0] for candidate in pipeline.candidates)


def _has(batch: Batch | None, also: Collection[str]) -> bool:
    """Whether the batch was read, with the columns of ``also``."""
    return batch is not None and set(also) <= set(batch.table.column_names)


def _runs(missing: list[Interval]) -> list[list[Interval]]:
    """Intervals that follow each other without a gap, together."""
    runs: list[list[Interval]] = []
    for interval in missing:
        if runs and runs[-1][-1].end == interval.start:
            runs[-1].append(interval)
        else:
            runs.append([interval])
    return runs
