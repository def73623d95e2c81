"""A candidate's fit on its window, or the equal one that was made before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import window as windows
from heliotrope.candidates import stream
from heliotrope.candidates.model import Model
from heliotrope.context import Context, Fitted
from heliotrope.cycle.scoring import concat, known_classes, serving
from heliotrope.errors import ConfigError, EstimatorError, nearest
from heliotrope.interval import Interval, format_time
from heliotrope.provenance import library_versions, seed_for
from heliotrope.records import Batch, Training
from heliotrope.slow import told_when_slow
from heliotrope.stopwatch import Stopwatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config import Candidate


@dataclass(frozen=True, slots=True, eq=False)
class Challenger:
    """A candidate's fit: the model, or why there is none."""

    training: Training
    model: Model | None
    failure: str | None = None


def fit(
    context: Context,
    candidate: Candidate,
    end: datetime,
    known: tuple[str, ...] | None,
    watch: Stopwatch,
    *,
    keep: bool = False,
) -> Challenger | None:
    """Fit a candidate on its window up to ``end``, or take the equal fit made before; None where no rows are."""
    pipeline = context.pipeline
    changed = context.ledger.changed_before(end) if candidate.window.kind == "drift_cut" else None
    chosen = windows.select(candidate.window, end=end, step=pipeline.interval, first=context.first, changed=changed)
    if chosen is None:
        return None
    seed = seed_for(pipeline.seed, candidate.name, format_time(chosen.start), format_time(chosen.end))
    if candidate.stream and candidate.window.max_rows is None and not context.holds_rows:
        return _fit_stream(context, candidate, chosen, known, seed, watch, keep=keep)
    with watch("extract"):
        batches = context.sampled(chosen, candidate.window, known)
    if not batches:
        return None
    training = _training(context, candidate, [Fitted.of(batch) for batch in batches], chosen, seed)
    with watch("load"):
        equal = context.equal_fit(training.fingerprint)
    model, sha256 = (None, None) if equal is None else equal
    fitting = Stopwatch(traced=False)
    try:
        if model is None:
            with watch("fit", candidate=candidate.name), fitting("fit"), _told(context, candidate, chosen):
                model = _fitted(context, candidate, batches, chosen, seed)
            context.remember(training.fingerprint, model)
        if keep and sha256 is None:
            with watch("save"):
                sha256 = context.save(model)
    except EstimatorError as error:
        return Challenger(training, None, str(error))
    seconds, met = fitting.seconds.get("fit", 0.0), _classes(context, model)
    return Challenger(replace(training, seconds=seconds, artifact=sha256 if keep else None, classes=met), model)


def _classes(context: Context, model: Model) -> tuple[str, ...]:
    """The classes of the model's window, where they come as they are."""
    return () if context.pipeline.classes is not None else model.classes


def _fit_stream(
    context: Context,
    candidate: Candidate,
    chosen: Interval,
    known: tuple[str, ...] | None,
    seed: int,
    watch: Stopwatch,
    *,
    keep: bool,
) -> Challenger | None:
    """Fit to one interval after the other. No equal fit is looked for: what it is fitted to is known afterwards."""
    seen: list[Fitted] = []

    def tables() -> Iterator[Any]:
        for batch in context.streamed(chosen, known):
            seen.append(Fitted.of(batch))
            yield batch.table

    fitting, model, failure = Stopwatch(traced=False), None, None
    try:
        with watch("fit", candidate=candidate.name), fitting("fit"), _told(context, candidate, chosen):
            model = _streamed(context, candidate, tables(), chosen, seed)
    except EstimatorError as error:
        failure = str(error)
    if model is None and failure is None:
        return None
    training = replace(_training(context, candidate, seen, chosen, seed), seconds=fitting.seconds.get("fit", 0.0))
    if model is None:
        return Challenger(training, None, failure)
    context.remember(training.fingerprint, model)
    training = replace(training, classes=_classes(context, model))
    if not keep:
        return Challenger(training, model)
    try:
        with watch("save"):
            return Challenger(replace(training, artifact=context.save(model)), model)
    except EstimatorError as error:
        return Challenger(training, None, str(error))


def _told(context: Context, candidate: Candidate, chosen: Interval) -> AbstractContextManager[None]:
    return told_when_slow(f"{context.pipeline.name}: the fit of candidate {candidate.name!r} on {chosen}")


def _training(
    context: Context, candidate: Candidate, fitted: Sequence[Fitted], chosen: Interval, seed: int
) -> Training:
    return Training(
        candidate=candidate.name,
        window=chosen,
        rows=sum(one.rows for one in fitted),
        seconds=0.0,
        seed=seed,
        fingerprint=context.fingerprint(candidate, fitted, chosen, seed),
        versions=library_versions(),
        code_version=context.code_version,
    )


def _streamed(
    context: Context, candidate: Candidate, tables: Iterable[Any], chosen: Interval, seed: int
) -> Model | None:
    return stream.fit(
        candidate,
        tables,
        pipeline=context.pipeline,
        kinds=context.kinds,
        weights=lambda table: _weights(context, candidate, table, chosen),
        seed=seed,
    )


def _weights(context: Context, candidate: Candidate, table: Any, chosen: Interval) -> NDArray[np.float64] | None:
    times = table[context.pipeline.source.time].to_numpy().astype("datetime64[us]")
    return windows.weights(candidate.window, times, end=chosen.end, step=context.pipeline.interval)


def _fitted(context: Context, candidate: Candidate, batches: list[Batch], chosen: Interval, seed: int) -> Model:
    if candidate.stream:
        model = _streamed(context, candidate, (batch.table for batch in batches), chosen, seed)
        assert model is not None, "there are rows"
        return model
    pipeline = context.pipeline
    table = concat(batches)
    return Model.fit(
        candidate,
        table,
        pipeline=pipeline,
        kinds=context.kinds,
        weights=_weights(context, candidate, table, chosen),
        seed=seed,
    )


def candidate_named(context: Context, name: str) -> Candidate:
    """The pipeline's candidate of that name. Raises ConfigError with the nearest one."""
    for candidate in context.pipeline.candidates:
        if candidate.name == name:
            return candidate
    known = [candidate.name for candidate in context.pipeline.candidates]
    raise ConfigError(f"{context.pipeline.name} has no candidate {name!r}", remedy=nearest(name, known))


def train_one(context: Context, candidate: Candidate, interval: Interval, end: datetime) -> int:
    """Fit one candidate up to ``end`` and keep it, as part of the cycle of ``interval``; the training's id.

    Raises EstimatorError when it cannot be fitted.
    """
    context.known_at = None
    ledger = context.ledger
    cycle = ledger.find(interval)
    assert cycle is not None, "called for a cycle that is done"
    champion = ledger.champion_at(interval.start)
    known = known_classes(context, champion, None if champion is None else serving(context, champion))
    final = fit(context, candidate, end, known, Stopwatch(), keep=True)
    if final is None or final.model is None:
        why = "its window holds no rows" if final is None else str(final.failure)
        raise EstimatorError(
            f"candidate {candidate.name!r} could not be fitted: {why}",
            remedy="name another candidate, or mend its `params` or `window`",
        )
    trainings = ledger.trainings_of(cycle.id)
    for role in ("final", "manual"):
        before = trainings.get((role, candidate.name))
        if before is not None and before[1].fingerprint == final.training.fingerprint:
            return before[0]
    with ledger.transaction():
        return ledger.add_training(cycle.id, "manual", final.training)


def fit_until(
    context: Context, candidate: Candidate, end: datetime, known: tuple[str, ...] | None = None
) -> Challenger | None:
    """A candidate's fit on its window up to ``end``, or the equal one made before; nothing is recorded."""
    return fit(context, candidate, end, known, Stopwatch())
