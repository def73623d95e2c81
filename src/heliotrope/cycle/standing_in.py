"""The champion of the whole table, which serves a segment that has none of its own."""

from __future__ import annotations

from dataclasses import dataclass

from heliotrope.context import Context
from heliotrope.cycle.scoring import ask, evaluation_of, serving, why_unscored
from heliotrope.errors import ArtifactError, EstimatorError, ModelError
from heliotrope.interval import Interval
from heliotrope.records import Batch, Champion, Evaluation, Verdict

_SERVING = "champion of the whole"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Whose model served a segment without a champion, how it did there (None: it was not scored), and in words."""

    training_id: int | None
    evaluation: Evaluation | None
    said: str


def stand_in(context: Context, interval: Interval, batch: Batch) -> StandIn | None:
    """Who served the segment and how it did on its rows, however few; None for the whole table."""
    whole = context.whole
    if whole is None:
        return None
    champion = _serving(whole, interval)
    if champion is None:
        return StandIn(None, None, "no champion serves the segment: neither it nor the whole has one yet")
    said = f"served by the whole's champion, {champion.candidate}, as the segment has none of its own"
    why, evaluation = _unfit(batch), None
    if not why:
        try:
            model = serving(whole, champion)
            why = why_unscored(context, model, batch)
            if not why:
                evaluation = evaluation_of("whole", champion.candidate, ask(context, model, batch))
        except (ArtifactError, EstimatorError, ModelError) as error:
            why = error.message
    return StandIn(champion.training_id, evaluation, f"{said}; it was not scored: {why}" if why else said)


def _unfit(batch: Batch) -> str:
    """Why no model can be scored on the batch; that its rows are few is no reason."""
    if batch.verdict is Verdict.HELD and {one.rule for one in batch.problems if one.done == "hold"} != {"too_few"}:
        return "the batch is held"
    return "" if batch.rows else "there are no rows"


def _serving(whole: Context, interval: Interval) -> Champion | None:
    """Who serves the whole table at the interval's start; asked once for all segments."""
    known = whole.scratch.get(_SERVING)
    if known is None or known[0] != interval.start:
        known = whole.scratch[_SERVING] = (interval.start, whole.ledger.champion_at(interval.start))
    champion: Champion | None = known[1]
    return champion
