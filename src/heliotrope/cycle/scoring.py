"""How a model is asked about rows: which rows it can answer, and how it did on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import evaluate
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.errors import EstimatorError
from heliotrope.interval import Interval
from heliotrope.records import Batch, Champion, Evaluation
from heliotrope.threads import one_thread
from heliotrope.validate import unanswerable

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.config import Pipeline


def serving(context: Context, champion: Champion) -> Model:
    """The champion's model.

    Raises ArtifactError when its file is missing or was changed, ModelError when it is of another task.
    """
    return context.serving(champion)


def batch_of(context: Context, interval: Interval, champion: Champion | None, model: Model | None) -> Batch:
    """The interval's batch, with the columns that are not declared any more and that the champion still needs."""
    return context.batches(interval, known_classes(context, champion, model), context.undeclared(model))[0]


def why_unscored(context: Context, model: Model, batch: Batch) -> str:
    """Why the champion cannot be scored on the batch: a column it needs is gone, or it fails; empty where it can."""
    absent = [name for name in model.kinds if name not in batch.table.column_names]
    if not absent:
        bad = answerable(context, model, batch)
        if bad is None or bad.any() or not batch.rows:
            return _failing(context, model, batch, bad)
        names = ", ".join(repr(name) for name in context.undeclared(model))
        return f"the champion {model.candidate} cannot be scored: no row has a value in {names}, which it alone needs"
    gone = context.lacking(absent)
    if gone:
        columns = f"column{'s' if len(gone) > 1 else ''} {', '.join(repr(name) for name in gone)}"
        why = f"it needs {columns}, which {context.rows.relation} no longer has"
    else:
        why = f"it needs column {absent[0]!r} as {model.kinds[absent[0]]}, which it no longer is"
    return f"the champion {model.candidate} cannot be scored: {why}"


def _failing(context: Context, model: Model, batch: Batch, asked: NDArray[np.bool_] | None) -> str:
    try:
        if batch.rows:
            ask(context, model, batch, asked)
    except EstimatorError as error:
        return f"the champion cannot be scored: {error.message}"
    return ""


def answerable(context: Context, model: Model, batch: Batch) -> NDArray[np.bool_] | None:
    """The rows that the champion is asked about: those with a value in every column that it alone needs; None: all."""
    also = context.undeclared(model)
    bad = unanswerable(batch.table, also, context.pipeline) if also else {}
    return ~np.logical_or.reduce(list(bad.values())) if bad else None


def known_classes(context: Context, champion: Champion | None, model: Model | None) -> tuple[str, ...] | None:
    """The classes there can be: declared, else those met until the champion began to serve."""
    if context.pipeline.task == "regression" or context.pipeline.classes is not None:
        return None
    if champion is None or model is None:
        return None
    return tuple(sorted({*model.classes, *champion.classes}))


def ask(context: Context, model: Model, batch: Batch, asked: NDArray[np.bool_] | None = None) -> evaluate.Scored:
    """How the model does on the batch's rows, or on those of them that are ``asked`` about."""

    def ask() -> evaluate.Scored:
        return score(context.pipeline, model, batch.table if asked is None else batch.table.filter(asked))

    return context.once("score", (model, batch, asked), ask)


def score(pipeline: Pipeline, model: Model, table: pa.Table) -> evaluate.Scored:
    """How the model does on the table's rows. Raises EstimatorError where it fails, or its answers are none."""
    with one_thread(openmp=True):
        predicted, proba = model.answers(table)
    try:
        return evaluate.score(
            task=pipeline.task,
            metric=pipeline.metric,
            actual=np.asarray(table[pipeline.target].to_numpy(zero_copy_only=False)),
            predicted=predicted,
            proba=proba,
            classes=model.classes,
        )
    except EstimatorError as error:
        raise EstimatorError(f"candidate {model.candidate}: {error.message}", remedy=error.remedy) from None


def evaluation_of(role: str, candidate: str, scored: evaluate.Scored, gain: Any = None) -> Evaluation:
    # The mean loss is what the gate ranks by; it is kept beside the metrics so that the gate can be run again.
    metrics = scored.metrics | {"loss": float(scored.loss.mean())}
    return Evaluation(role=role, candidate=candidate, rows=len(scored.loss), metrics=metrics, gain=gain)


def concat(batches: Sequence[Batch]) -> Any:
    """The rows of all the batches as one table."""
    import pyarrow as pa

    return pa.concat_tables([batch.table for batch in batches])
