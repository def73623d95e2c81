"""What must hold of every trigger: any is or, all is and, more of anything never un-asks a training."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from heliotrope.config import All, Amount, AnyOf, DriftTrigger, Performance, Schedule, Trigger
from heliotrope.records import Action, DriftReport, FeatureDrift
from heliotrope.trigger import Situation, decide


@st.composite
def performances(draw: st.DrawFn) -> Performance:
    n = draw(st.integers(1, 5))
    return Performance(
        margin=draw(st.sampled_from([0.0, 0.02, 0.1])),
        baseline=draw(st.sampled_from([None, 0.9])),
        m=draw(st.integers(1, n)),
        n=n,
    )


simple = st.one_of(
    st.builds(Schedule, every=st.integers(1, 6)),
    st.builds(Amount, rows=st.integers(1, 5000)),
    st.builds(DriftTrigger, at_least=st.integers(1, 4)),
    performances(),
)


def _nested(inner: st.SearchStrategy[Trigger]) -> st.SearchStrategy[Trigger]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(AnyOf, of=several), st.builds(All, of=several))


triggers: st.SearchStrategy[Trigger] = st.recursive(simple, _nested, max_leaves=6)


def report(drifted: bool) -> DriftReport:
    one = FeatureDrift(feature="x", statistic=0.5, p_value=None, threshold=0.2, drifted=drifted)
    return DriftReport(detector="population_stability", reference_rows=9, current_rows=9, features=(one,))


situations = st.builds(
    Situation,
    intervals_since_training=st.integers(0, 8),
    rows_since_training=st.integers(0, 6000),
    drift=st.lists(st.booleans().map(report), max_size=4).map(tuple),
    scores=st.lists(st.floats(0.5, 1.0), max_size=6).map(tuple),
    lower_is_better=st.booleans(),
)


def trains(trigger: Trigger, now: Situation) -> bool:
    return decide(trigger, now).action is Action.TRAIN


several_triggers = st.lists(triggers, min_size=1, max_size=4).map(tuple)


@given(several_triggers, situations)
def test_any_is_or(several: tuple[Trigger, ...], now: Situation) -> None:
    assert trains(AnyOf(of=several), now) == any(trains(one, now) for one in several)


@given(several_triggers, situations)
def test_all_is_and(several: tuple[Trigger, ...], now: Situation) -> None:
    assert trains(All(of=several), now) == all(trains(one, now) for one in several)


@given(triggers, situations, st.integers(0, 5), st.integers(0, 5000))
def test_more_intervals_and_more_rows_never_un_ask_a_training(
    trigger: Trigger, now: Situation, intervals: int, rows: int
) -> None:
    assert now.intervals_since_training is not None
    later = replace(
        now,
        intervals_since_training=now.intervals_since_training + intervals,
        rows_since_training=now.rows_since_training + rows,
    )
    assert trains(trigger, later) or not trains(trigger, now)


@given(triggers, situations)
def test_one_more_detector_that_drifts_never_un_asks_a_training(trigger: Trigger, now: Situation) -> None:
    worse = replace(now, drift=(*now.drift, report(True)))
    assert trains(trigger, worse) or not trains(trigger, now)


@given(performances(), situations, st.floats(0.0, 0.5))
def test_a_worse_latest_score_never_un_asks_a_training(trigger: Performance, now: Situation, by: float) -> None:
    if not now.scores:
        return
    worst = now.scores[-1] + by if now.lower_is_better else now.scores[-1] - by
    worse = replace(now, scores=(*now.scores[:-1], worst))
    if trigger.baseline is None and now.scores[-1] == (min if now.lower_is_better else max)(now.scores):
        return  # it was the best, and what the others are held against falls with it
    assert trains(trigger, worse) or not trains(trigger, now)


@given(performances(), situations)
def test_a_wider_margin_never_asks_for_more_trainings(trigger: Performance, now: Situation) -> None:
    wider = trigger.model_copy(update={"margin": trigger.margin + 0.05})
    assert trains(trigger, now) or not trains(wider, now)


@given(triggers, situations)
def test_there_is_a_reason_and_it_names_a_trigger(trigger: Trigger, now: Situation) -> None:
    decision = decide(trigger, now)
    assert decision.action in (Action.TRAIN, Action.SKIP)
    assert decision.reasons
    assert len(set(decision.reasons)) == len(decision.reasons)
    assert {one.split(":")[0] for one in decision.reasons} <= {"schedule", "amount", "drift", "performance"}


@given(triggers, situations, situations)
def test_evidence_has_the_same_keys_whatever_the_situation(trigger: Trigger, now: Situation, then: Situation) -> None:
    score = (0.9,)
    first, second = (decide(trigger, replace(one, scores=one.scores or score)) for one in (now, then))
    assert first.evidence.keys() == second.evidence.keys()
    assert all(type(value) is float for value in first.evidence.values())


@given(triggers, situations)
def test_what_was_never_trained_always_trains(trigger: Trigger, now: Situation) -> None:
    decision = decide(trigger, replace(now, intervals_since_training=None))
    assert (decision.action, decision.reasons) == (Action.TRAIN, ("no champion yet",))
