"""Models asked again when a report is made: the first champion about every interval since, and each about its own.

Nothing of it is recorded, and no cycle waits for it. Rows are those the table has now, as they are validated now; what
was scored then stands beside it in the report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import cycle, evaluate
from heliotrope.errors import DataError, ModelError
from heliotrope.interval import format_time
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    import pyarrow as pa

    from heliotrope.candidates.model import Model
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary
    from heliotrope.records import Champion
    from heliotrope.report.history import Asked
    from heliotrope.report.slices import Slice

__all__ = ["Frozen", "again", "frozen", "spread"]

_FROZEN_INTERVALS, _FROZEN_ROWS = 960, 1_000_000
_INTERVALS, _ROWS = 240, 200_000
_FEATURES_TRIED, _FEATURES_SHOWN = 40, 6
_MOST_CLASSES = 200

Advance = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Frozen:
    """The first champion, and its metric by the start of each interval it was asked about; or why it was not asked."""

    name: str
    scores: Mapping[datetime, float]
    note: str = ""


def spread(summaries: Sequence[CycleSummary], intervals: int, rows: int) -> list[CycleSummary]:
    """No more intervals than that, with no more rows in all, evenly spread; one at least where there is one."""
    most = min(len(summaries), intervals)
    total = sum(one.rows for one in summaries)
    if total > rows:
        most = min(most, max(1, int(len(summaries) * rows / total)))
    return [summaries[place] for place in np.unique(np.linspace(0, max(len(summaries) - 1, 0), most).astype(int))]


def frozen(context: Context, summaries: Sequence[CycleSummary], served: Sequence[Champion], advance: Advance) -> Frozen:
    """How the first champion would have done, had it never been replaced."""
    first = next((one for one in served if one.valid_to is None or one.valid_to > one.valid_from), None)
    if first is None:
        return Frozen("", {})
    name = f"{first.candidate} of {format_time(first.training.window.end)}"
    later = [one for one in _usable(summaries) if one.interval.start >= first.valid_from]
    scores: dict[datetime, float] = {}
    failures: Counter[str] = Counter()
    for one in spread(later, _FROZEN_INTERVALS, _FROZEN_ROWS):
        try:
            model = context.serving(first)
            scored = cycle.score(context.pipeline, model, _rows(context, one, model))
        except (DataError, ModelError) as error:
            failures[error.message] += 1
            if not scores and failures.total() > 2:
                break  # its file is gone, or a column it needs: it is so for all
            continue
        scores[one.interval.start] = scored.metrics[context.pipeline.metric]
        advance(f"first model, {format_time(one.interval.start)}")
    return Frozen(name, scores, _failed("The first model", failures))


def again(
    context: Context, summaries: Sequence[CycleSummary], served: Sequence[Champion], advance: Advance
) -> Asked | None:
    """What the models that served answer about their own intervals; None where none of them served."""
    from heliotrope.report.history import Asked

    starts = [one.valid_from for one in served]
    asked: list[_Answers] = []
    failures: Counter[str] = Counter()
    usable = [one for one in _usable(summaries) if _serving(served, starts, one.interval.start) is not None]
    chosen = spread(usable, _INTERVALS, _ROWS)
    for one in chosen:
        champion = _serving(served, starts, one.interval.start)
        assert champion is not None, "the others were left out"
        try:
            model = context.serving(champion)
            table = _rows(context, one, model)
            with one_thread(openmp=True):
                predicted, proba = model.answers(table)
        except (DataError, ModelError) as error:
            failures[error.message] += 1
            continue
        asked.append(_Answers(table, predicted, proba, model.classes))
        advance(f"champion, {format_time(one.interval.start)}")
    note = _failed("The champion", failures)
    if not asked:
        return Asked(intervals=0, of=len(usable), rows=0, notes=(note,)) if note else None
    rows = sum(one.table.num_rows for one in asked)
    said = Asked(intervals=len(asked), of=len(usable), rows=rows, notes=(note,) if note else ())
    return (_of_regression if context.pipeline.task == "regression" else _of_classification)(context, asked, said)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What one model said of one interval's rows."""

    table: pa.Table
    predicted: Any
    proba: Any
    classes: tuple[str, ...]


def _usable(summaries: Sequence[CycleSummary]) -> list[CycleSummary]:
    return [one for one in summaries if one.verdict == "ok" and one.rows]


def _serving(served: Sequence[Champion], starts: Sequence[datetime], at: datetime) -> Champion | None:
    place = bisect_right(starts, at) - 1
    return served[place] if place >= 0 else None


def _rows(context: Context, summary: CycleSummary, model: Model) -> pa.Table:
    """The interval's rows. Raises DataError where they cannot be used, or lack a column that the model needs."""
    batch = context.batches(summary.interval, None, context.undeclared(model))[0]
    gone = [name for name in model.kinds if name not in batch.table.column_names]
    if gone:
        raise DataError(f"it needs {', '.join(map(repr, gone))}, which {context.rows.relation} no longer has")
    if not batch.rows:
        raise DataError("its rows are there no more")
    return batch.table


def _failed(who: str, failures: Counter[str]) -> str:
    if not failures:
        return ""
    why, _ = failures.most_common(1)[0]
    count = failures.total()
    return f"{who} could not be asked about {count:,} {'interval' if count == 1 else 'intervals'}: {why}."


def _of_regression(context: Context, asked: Sequence[_Answers], said: Asked) -> Asked:
    from heliotrope.report.residuals import residuals
    from heliotrope.report.view import numbers

    table = _together(asked)
    actual, predicted = numbers(table, context.pipeline.target), np.concatenate([one.predicted for one in asked])
    known = np.isfinite(actual) & np.isfinite(predicted)
    slices = _slices(context, table, lambda mask: _metric(context, actual[mask & known], predicted[mask & known]))
    off = residuals(actual[known], predicted[known]) if known.any() else None
    return replace(said, slices=slices, residuals=off)


def _of_classification(context: Context, asked: Sequence[_Answers], said: Asked) -> Asked:
    from heliotrope.report.confusion import confusion
    from heliotrope.report.reliability import reliability
    from heliotrope.report.view import codes

    table, target = _together(asked), context.pipeline.target
    declared = context.pipeline.classes or ()
    found = {str(value) for value in table[target].unique().to_pylist() if value is not None}
    found |= {name for one in asked for name in one.classes}
    classes = (*declared, *sorted(found - set(declared)))
    actual = codes(table[target], classes)
    predicted = np.concatenate([codes(one.predicted, classes) for one in asked])
    probable = all(one.proba is not None for one in asked)
    proba = np.concatenate([_placed(one, classes) for one in asked]) if probable else None
    labels = np.array([*classes, ""], dtype=object)

    def metric(mask: Any) -> float | None:
        chosen = None if proba is None else proba[mask]
        return _metric(context, labels[actual[mask]], labels[predicted[mask]], chosen, classes)

    known = (actual >= 0) & (predicted >= 0)
    return replace(
        said,
        confusion=confusion(actual[known], predicted[known], classes) if len(classes) <= _MOST_CLASSES else None,
        reliability=() if proba is None else reliability(proba.max(axis=1), actual == predicted),
        slices=_slices(context, table, metric),
    )


def _together(asked: Sequence[_Answers]) -> pa.Table:
    import pyarrow as pa

    names = set.intersection(*(set(one.table.column_names) for one in asked))
    shared = [name for name in asked[0].table.column_names if name in names]
    return pa.concat_tables([one.table.select(shared) for one in asked], promote_options="permissive")


def _placed(answers: _Answers, classes: tuple[str, ...]) -> Any:
    """Probabilities with a column for each of ``classes``, zeros where the model does not know one."""
    if answers.classes == classes:
        return answers.proba
    placed = np.zeros((len(answers.proba), len(classes)))
    placed[:, [classes.index(name) for name in answers.classes]] = answers.proba
    return placed


def _metric(
    context: Context, actual: Any, predicted: Any, proba: Any = None, classes: tuple[str, ...] = ()
) -> float | None:
    pipeline = context.pipeline
    if not len(actual):
        return None
    scored = evaluate.score(
        task=pipeline.task,
        metric=pipeline.metric,
        actual=actual,
        predicted=predicted,
        proba=proba,
        classes=classes,
    )
    return scored.metrics.get(pipeline.metric)


def _slices(context: Context, table: pa.Table, metric: Callable[[Any], float | None]) -> tuple[Slice, ...]:
    from heliotrope.report.slices import most_uneven

    wanted = [one.column for one in context.pipeline.gate.slices]
    names = [name for name in context.kinds if name in table.column_names]
    names.sort(key=lambda name: name not in wanted)
    found = [one for name in names[:_FEATURES_TRIED] for one in _of_feature(context, table, name, metric)]
    return most_uneven(found, wanted, _FEATURES_SHOWN)


def _of_feature(context: Context, table: pa.Table, name: str, metric: Callable[[Any], float | None]) -> Iterator[Slice]:
    from heliotrope.report.slices import Slice, parts

    for value, mask in parts(table, name, context.kinds[name]):
        score = metric(mask)
        if score is not None:
            yield Slice(name, value, int(np.count_nonzero(mask)), score)
