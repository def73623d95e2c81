"""What is wrong with a batch, and what becomes of it: rows dropped and counted, the batch held, or an error.

Rows are looked at in this order, and every rule sees only the rows that those before it have left: unlabelled (the
target is null), null features, non-finite numbers, unseen classes. NaN is how many a source writes "no value", so it
counts as null; plus and minus infinity, and what 32 bits cannot hold, are the non-finite numbers. A dropped row is
counted once, hence

    rows read = rows left + the rows of every problem whose ``done`` is ``drop``

and nothing that is found, counted or kept depends on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heliotrope.columns import TIME, Kind, as_numbers, as_text, as_utc, infer_kinds
from heliotrope.config import Pipeline
from heliotrope.content import in_order
from heliotrope.errors import DataError, SchemaError, ValidationError, counted, nearest
from heliotrope.interval import Interval, format_time
from heliotrope.records import LARGEST, Batch, Problem, Verdict

__all__ = ["infer_kinds", "unanswerable", "validate"]

_WHOLE = 2**53  # float64 holds every whole number up to here
_SHOWN = 5  # classes named in a detail
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_REMEDIES = {
    "schema": "mend the source or the pipeline's columns, or set validation.on_schema: hold",
    "empty": "load the interval's rows, or set validation.on_empty: hold",
    "unlabelled": "wait for the labels, or set validation.on_unlabelled to drop or hold",
    "null": "fill the values, or set validation.on_null to drop, hold or allow",
    "non_finite": "mend the values, or set validation.on_non_finite to drop or hold",
    "unseen_class": "add the class to `classes`, or set validation.on_unseen_class to hold, drop or allow",
    "too_few": "lower validation.min_rows, or set validation.on_too_few to hold or allow",
}


def validate(
    table: pa.Table,
    *,
    pipeline: Pipeline,
    kinds: Mapping[str, Kind],
    interval: Interval,
    known_classes: Collection[str] | None,
    also: Mapping[str, Kind] = MappingProxyType({}),
) -> Batch:
    """The usable rows of ``interval``, with everything that was found about them.

    Args:
        table: the rows as the source gave them; columns that the pipeline does not name are ignored.
        pipeline: whose ``validation`` says what each problem leads to.
        kinds: what every feature is, from :func:`infer_kinds`.
        interval: where the rows' times must lie.
        known_classes: the labels met before, used where the pipeline declares none; None: nothing is unseen.
        also: columns that the pipeline does not declare and the champion still needs, and what they are. They follow
            the others in the batch's table, those that are there and fit. No row is dropped, no batch held and no
            hash changed for their sake; a problem of them is noted with ``done`` ``allow``.

    The batch's table holds time as timestamp[us, UTC], numeric features as float64 with NaN made null, categorical
    ones as string, and the target as string (classification) or float64 (regression). A held batch has rows too,
    unless its columns do not fit, when it has none. Its hash and its first and last time are those of the rows
    read. Rows come by their time, those of one time in an order that depends on their content alone.

    Raises SchemaError or ValidationError where the pipeline says ``fail``, and DataError for a time outside of
    ``interval``, which is a fault of the reader and not of the rows.

    >>> from heliotrope.config import parse
    >>> from heliotrope.streams import make
    >>> pipeline = parse({
    ...     "name": "p", "source": {"table": "t", "time": "time"}, "interval": "1h", "features": ["x", "y"],
    ...     "target": "class", "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
    ... })
    >>> hour = Interval(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, 1, tzinfo=UTC))
    >>> table = make("rotating_gaussians", rows=20, seed=7).batch(hour)
    >>> kinds = infer_kinds(table.schema, pipeline)
    >>> batch = validate(table, pipeline=pipeline, kinds=kinds, interval=hour, known_classes={"A", "B"})
    >>> batch.verdict.value, batch.rows, batch.problems[0].rule, batch.problems[0].detail
    ('held', 60, 'unseen_class', "'C'")
    """
    names = table.column_names
    more = _wanted(table, tuple(also)) if also else None
    table, content_hash = in_order(_wanted(table, pipeline.columns), pipeline.source.time, more)
    findings = _Findings(pipeline, interval, np.ones(table.num_rows, dtype=bool))
    columns = _shape(table, names, pipeline, kinds, findings)
    first = last = None
    if pipeline.source.time in columns:
        first, last = _span(columns[pipeline.source.time], pipeline, interval)
    if findings.problems:
        rows = _no_rows(pipeline, kinds)
    else:
        rows = pa.table([columns[name] for name in pipeline.columns], names=list(pipeline.columns))
        _sift(rows, pipeline, known_classes, findings)
        _say_rounded(table, kinds, findings)
        if not findings.keep.all():
            rows = rows.filter(pa.array(findings.keep))
        if also:
            kept = table if findings.keep.all() else table.filter(pa.array(findings.keep))
            rows = _with_also(rows, kept, also, findings)
    held = any(problem.done == "hold" for problem in findings.problems)
    return Batch(
        interval=interval,
        table=rows,
        content_hash=content_hash,
        rows_read=table.num_rows,
        problems=tuple(findings.problems),
        verdict=Verdict.HELD if held else Verdict.OK,
        first_time=first,
        last_time=last,
    )


@dataclass
class _Findings:
    """The problems so far, and which rows are left."""

    pipeline: Pipeline
    interval: Interval
    keep: NDArray[np.bool_]
    problems: list[Problem] = field(default_factory=list)

    def rows(self, rule: str, column: str, bad: NDArray[np.bool_], detail: str = "") -> None:
        """Note the rows that are ``bad`` and still kept, and drop them where the pipeline says so."""
        bad = bad & self.keep
        count = int(bad.sum())
        if count:
            done = self.batch(rule, column, count, detail)
            if done == "drop":
                self.keep &= ~bad

    def batch(self, rule: str, column: str | None, count: int, detail: str = "", *, done: str = "") -> str:
        """Note a problem of ``count`` rows. Returns what is done about it; raises where that is ``fail``."""
        done = done or getattr(self.pipeline.validation, f"on_{rule}")
        if done == "fail":
            place = f"pipeline {self.pipeline.name}, interval {self.interval}, rule {rule}"
            if rule == "schema":
                raise SchemaError(f"{place}: column {column!r} {detail}", remedy=_REMEDIES[rule])
            where = f"column {column!r}, " if column is not None else ""
            what = f"{count} {'row' if count == 1 else 'rows'}{f', {detail}' if detail else ''}"
            raise ValidationError(f"{place}: {where}{what}", remedy=_REMEDIES[rule])
        self.problems.append(Problem(rule=rule, column=column, rows=count, done=done, detail=detail))
        return done


def _wanted(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The columns, those of them that are there, in that order and in one chunk each."""
    names = table.column_names
    table = table.select([name for name in columns if names.count(name) == 1])
    return table.combine_chunks() if any(column.num_chunks != 1 for column in table.columns) else table


def _shape(
    table: pa.Table, names: list[str], pipeline: Pipeline, kinds: Mapping[str, Kind], findings: _Findings
) -> dict[str, pa.ChunkedArray]:
    """Every column in the type that a batch has it in; a schema problem for each that is missing or does not fit."""
    columns = {}
    for name in pipeline.columns:
        if name not in table.column_names:
            missing = f"is missing; {nearest(name, names)}"
            findings.batch("schema", name, table.num_rows, "is there twice" if name in names else missing)
            continue
        try:
            if name == pipeline.source.time:
                columns[name] = as_utc(table[name], pipeline.source.time_zone)
            elif name == pipeline.target:
                regression = pipeline.task == "regression"
                columns[name] = as_numbers(table[name], text=True) if regression else as_text(table[name])
            else:
                columns[name] = as_numbers(table[name]) if kinds[name] == "numeric" else as_text(table[name])
        except SchemaError as error:
            findings.batch("schema", name, table.num_rows, error.message)
    return columns


def _say_rounded(table: pa.Table, kinds: Mapping[str, Kind], findings: _Findings) -> None:
    """Note whole numbers that are so large that float64 does not hold all of their digits."""
    for name, kind in kinds.items():
        if kind != "numeric" or table[name].type != pa.int64() or not table.num_rows:
            continue
        bounds = pc.min_max(table[name]).as_py()
        if bounds["min"] is None or (bounds["min"] >= -_WHOLE and bounds["max"] <= _WHOLE):
            continue
        count = pc.sum(pc.or_(pc.greater(table[name], _WHOLE), pc.less(table[name], -_WHOLE))).as_py()
        detail = "whole numbers beyond 2^53 are rounded; let what only identifies be categorical"
        findings.batch("schema", name, int(count), detail, done="allow")


def _with_also(rows: pa.Table, read: pa.Table, also: Mapping[str, Kind], findings: _Findings) -> pa.Table:
    """The rows with the champion's own columns too; what is wrong with those is noted, and nothing done about it."""
    for name, kind in also.items():
        if name not in read.column_names:
            continue
        try:
            column = as_numbers(read[name]) if kind == "numeric" else as_text(read[name])
        except SchemaError as error:
            detail = f"which the champion alone needs, {error.message}"
            findings.batch("schema", name, read.num_rows, detail, done="allow")
            continue
        rows = rows.append_column(name, column)
    bad = unanswerable(rows, also, findings.pipeline)
    for name, where in bad.items():
        detail = "only the champion needs it; it is not scored on them"
        findings.batch("null", name, int(where.sum()), detail, done="allow")
    return rows


def unanswerable(rows: pa.Table, also: Collection[str], pipeline: Pipeline) -> dict[str, NDArray[np.bool_]]:
    """By column of ``also``: the rows that the champion is not asked about, for they have no value there.

    That is none, null or NaN, unless ``validation.on_null`` is ``allow``; or a number that is infinite or too large.
    """
    found = {}
    for name in also:
        if name not in rows.column_names:
            continue
        column = rows[name]
        bad = np.zeros(rows.num_rows, dtype=bool)
        if pipeline.validation.on_null != "allow":
            bad |= column.is_null().to_numpy()
        if column.type == pa.float64():
            bad |= np.abs(column.to_numpy()) > LARGEST
        if bad.any():
            found[name] = bad
    return found


def _span(
    times: pa.ChunkedArray, pipeline: Pipeline, interval: Interval
) -> tuple[datetime, datetime] | tuple[None, None]:
    """The first and the last time. Raises DataError when one is null or outside of ``interval``."""
    if times.null_count:
        have = f"{counted(times.null_count, 'row')} {'has' if times.null_count == 1 else 'have'}"
        raise DataError(f"pipeline {pipeline.name}, interval {interval}: {have} no {pipeline.source.time!r}")
    if not len(times):
        return None, None
    microseconds = times.cast(pa.int64()).to_numpy()
    first, last = (_EPOCH + timedelta(microseconds=int(one)) for one in (microseconds.min(), microseconds.max()))
    for time in (first, last):
        if time not in interval:
            raise DataError(
                f"pipeline {pipeline.name}: a row at {format_time(time)} was read for interval {interval}",
                remedy="check source.time_zone, and how the rows were selected",
            )
    return first, last


def _sift(rows: pa.Table, pipeline: Pipeline, known_classes: Collection[str] | None, findings: _Findings) -> None:
    """Every rule about rows, in order."""
    if rows.num_rows == 0:
        findings.batch("empty", None, 0)
        return
    target = rows[pipeline.target]
    if target.null_count:
        findings.rows("unlabelled", pipeline.target, target.is_null().to_numpy())
    labelled = int(findings.keep.sum())
    _sift_features(rows, pipeline, findings)
    if pipeline.task == "classification":
        _sift_classes(target, pipeline, known_classes, findings)
    left = int(findings.keep.sum())
    validation = pipeline.validation
    if left < validation.min_rows:
        # Nothing can be done with no rows, whatever the pipeline allows.
        done = "hold" if not left and validation.on_too_few == "allow" else ""
        findings.batch("too_few", None, left, f"fewer than {validation.min_rows}", done=done)
    if labelled and (labelled - left) / labelled > validation.max_dropped:
        detail = f"{labelled - left} of {labelled} labelled rows dropped, more than {validation.max_dropped:.0%}"
        findings.batch("max_dropped", None, labelled - left, detail, done="hold")


def _sift_features(rows: pa.Table, pipeline: Pipeline, findings: _Findings) -> None:
    infinite = {}
    for name in (*pipeline.features, pipeline.target):
        column = rows[name]
        if column.type == pa.float64():
            values = column.to_numpy()
            size = np.abs(values)
            if not len(size) or size.max() <= LARGEST:  # NaN is not
                continue
            infinite[name] = size > LARGEST
        if column.null_count and name != pipeline.target:
            findings.rows("null", name, column.is_null().to_numpy())
    for name, bad in infinite.items():
        findings.rows("non_finite", name, bad)


def _sift_classes(
    target: pa.ChunkedArray, pipeline: Pipeline, known_classes: Collection[str] | None, findings: _Findings
) -> None:
    known = pipeline.classes if pipeline.classes is not None else known_classes
    if known is None:
        return
    unseen = {label for label in pc.unique(target).to_pylist() if label is not None} - set(known)
    if not unseen:
        return
    bad = pc.is_in(target, value_set=pa.array(sorted(unseen), pa.string())).to_numpy()
    met = sorted(set(target.filter(pa.array(bad & findings.keep)).to_pylist()))
    more = f" and {len(met) - _SHOWN} more" if len(met) > _SHOWN else ""
    findings.rows("unseen_class", pipeline.target, bad, ", ".join(repr(label) for label in met[:_SHOWN]) + more)


def _no_rows(pipeline: Pipeline, kinds: Mapping[str, Kind]) -> pa.Table:
    """A batch's table with nothing in it."""
    types = {name: pa.float64() if kinds.get(name) == "numeric" else pa.string() for name in pipeline.features}
    target = pa.float64() if pipeline.task == "regression" else pa.string()
    return pa.schema({pipeline.source.time: TIME, **types, pipeline.target: target}).empty_table()
