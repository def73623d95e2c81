"""Every trigger's truth table, its words, and its evidence."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from heliotrope.config import All, Amount, AnyOf, Cost, DriftTrigger, KOf, Performance, Schedule, Trigger
from heliotrope.evidence.alarm import Alarm, Watched
from heliotrope.evidence.change import Era
from heliotrope.evidence.harm import Rise
from heliotrope.evidence.worth import Past
from heliotrope.records import Action, Decision, DriftReport, FeatureDrift
from heliotrope.trigger import Situation, decide


def situation(
    *,
    intervals: int | None = 1,
    rows: int = 900,
    drift: tuple[DriftReport, ...] = (),
    scores: tuple[float, ...] = (),
    lower_is_better: bool = False,
) -> Situation:
    return Situation(
        intervals_since_training=intervals,
        rows_since_training=rows,
        drift=drift,
        scores=scores,
        lower_is_better=lower_is_better,
    )


def report(detector: str, **features: bool) -> DriftReport:
    return DriftReport(
        detector=detector,
        reference_rows=100,
        current_rows=100,
        features=tuple(
            FeatureDrift(
                feature="*" if name == "everything" else name,
                statistic=0.5,
                p_value=0.001,
                threshold=0.01,
                drifted=drifted,
            )
            for name, drifted in features.items()
        ),
    )


def trains(trigger: Trigger, now: Situation) -> bool:
    decision = decide(trigger, now)
    assert decision.action in (Action.TRAIN, Action.SKIP)
    return decision.action is Action.TRAIN


def reason(decision: Decision) -> str:
    (only,) = decision.reasons
    return only


YES, NO = Schedule(every=1), Schedule(every=99)


# --- never trained ---


@pytest.mark.parametrize(
    "trigger", [NO, Amount(rows=10**9), DriftTrigger(), Performance(), AnyOf(of=(NO,)), All(of=(NO, YES))]
)
def test_what_was_never_trained_is_trained(trigger: Trigger) -> None:
    decision = decide(trigger, situation(intervals=None, rows=0))
    assert decision == Decision(action=Action.TRAIN, reasons=("no champion yet",))


# --- schedule ---


@pytest.mark.parametrize(("since", "every", "expected"), [(0, 1, False), (1, 1, True), (5, 6, False), (7, 6, True)])
def test_schedule_counts_intervals(since: int, every: int, expected: bool) -> None:
    assert trains(Schedule(every=every), situation(intervals=since)) is expected


def test_schedule_says_its_numbers() -> None:
    decision = decide(Schedule(every=6), situation(intervals=1))
    assert reason(decision) == "schedule: 1 interval since the last training, 6 are due"
    assert decision.evidence == {"schedule.intervals_since_training": 1.0, "schedule.every": 6.0}
    assert (
        reason(decide(Schedule(), situation(intervals=2))) == "schedule: 2 intervals since the last training, 1 is due"
    )


# --- amount ---


@pytest.mark.parametrize(("rows", "due", "expected"), [(0, 1, False), (999, 1000, False), (1000, 1000, True)])
def test_amount_counts_rows(rows: int, due: int, expected: bool) -> None:
    assert trains(Amount(rows=due), situation(rows=rows)) is expected


def test_amount_says_its_numbers() -> None:
    decision = decide(Amount(rows=2000), situation(rows=2700))
    assert reason(decision) == "amount: 2,700 rows since the last training, 2,000 are due"
    assert decision.evidence == {"amount.rows_since_training": 2700.0, "amount.rows": 2000.0}


# --- drift ---

CALM = report("kolmogorov_smirnov", x=False, y=False)
STIR = report("chi_square", x=True, y=True, c=False)
STORM = report("domain_classifier", everything=True)


@pytest.mark.parametrize(
    ("reports", "at_least", "expected"),
    [
        ((), 1, False),
        ((CALM,), 1, False),
        ((CALM, STIR), 1, True),
        ((CALM, STIR), 2, False),
        ((STIR, STORM), 2, True),
        ((STIR, STORM), 3, False),
        ((report("chi_square"),), 1, False),
    ],
)
def test_drift_counts_detectors_not_features(reports: tuple[DriftReport, ...], at_least: int, expected: bool) -> None:
    assert trains(DriftTrigger(at_least=at_least), situation(drift=reports)) is expected


def test_drift_names_detectors_and_features() -> None:
    decision = decide(DriftTrigger(at_least=2), situation(drift=(CALM, STIR, STORM)))
    assert reason(decision) == (
        "drift: seen by 2 of 3 detectors, 2 are needed (chi_square: x, y; domain_classifier: all features together)"
    )
    assert decision.evidence == {
        "drift.detectors_drifted": 2.0,
        "drift.detectors": 3.0,
        "drift.features_drifted": 3.0,
        "drift.at_least": 2.0,
    }
    assert reason(decide(DriftTrigger(), situation(drift=(CALM,)))) == "drift: seen by 0 of 1 detector, 1 is needed"


def test_drift_names_five_features_and_counts_the_rest() -> None:
    many = report("kolmogorov_smirnov", **{f"f{number}": True for number in range(8)})
    assert "f0, f1, f2, f3, f4 and 3 more)" in reason(decide(DriftTrigger(), situation(drift=(many,))))


# --- performance ---


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((), False),
        ((0.95,), False),
        ((0.95, 0.94), False),
        ((0.95, 0.93), True),
        ((0.95, 0.90), True),
        ((0.90, 0.95), False),
        ((0.95, 0.90, 0.95), False),
        ((0.95, 0.90, 0.91), True),
        ((0.90, 0.95, math.nan), False),
        ((math.nan,), False),
        ((math.nan, 0.95, 0.90), True),
    ],
)
def test_performance_falls_from_its_best_by_the_margin(scores: tuple[float, ...], expected: bool) -> None:
    assert trains(Performance(margin=0.02), situation(scores=scores)) is expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((0.5,), False), ((0.5, 0.6), True), ((0.6, 0.5), False), ((0.5, math.inf), True), ((math.inf, math.inf), False)],
)
def test_of_a_loss_more_is_worse(scores: tuple[float, ...], expected: bool) -> None:
    assert trains(Performance(margin=0.1), situation(scores=scores, lower_is_better=True)) is expected


@pytest.mark.parametrize(
    ("score", "lower_is_better", "expected"),
    [(0.89, False, False), (0.88, False, True), (0.95, False, False), (0.92, True, True), (0.91, True, False)],
)
def test_a_baseline_stands_for_the_best(score: float, lower_is_better: bool, expected: bool) -> None:
    now = situation(scores=(score,), lower_is_better=lower_is_better)
    assert trains(Performance(margin=0.02, baseline=0.90), now) is expected


@pytest.mark.parametrize(
    ("recent", "m", "n", "expected"),
    [
        ("bbb", 3, 3, True),
        ("gbb", 3, 3, False),
        ("gbb", 2, 3, True),
        ("bgb", 2, 3, True),
        ("bbg", 2, 3, False),  # the latest must be among them
        ("bbgb", 2, 2, False),  # only the last n count
        ("b", 1, 3, True),  # fewer than n there are
        ("b", 2, 3, False),
        ("ggb", 1, 1, True),
    ],
)
def test_m_of_the_last_n_must_be_worse_the_latest_among_them(recent: str, m: int, n: int, expected: bool) -> None:
    scores = tuple(0.9 if one == "g" else 0.8 for one in recent)
    assert trains(Performance(margin=0.05, baseline=0.9, m=m, n=n), situation(scores=scores)) is expected


def test_no_margin_means_worse_at_all() -> None:
    trigger = Performance(margin=0.0)
    assert not trains(trigger, situation(scores=(0.9, 0.9)))
    assert trains(trigger, situation(scores=(0.9, 0.8999)))


def test_performance_says_its_numbers() -> None:
    decision = decide(Performance(margin=0.02, m=2, n=3), situation(scores=(0.96, 0.95, 0.93, 0.9)))
    assert reason(decision) == (
        "performance: the champion was worse than its best, 0.96, by 0.02 or more in 2 of the last 3 intervals, "
        "2 are needed; the latest, 0.9, was"
    )
    assert decision.evidence == {
        "performance.latest": 0.9,
        "performance.baseline": 0.96,
        "performance.margin": 0.02,
        "performance.worse": 2.0,
        "performance.m": 2.0,
        "performance.n": 3.0,
        "performance.scores": 4.0,
    }
    held = decide(Performance(baseline=0.9), situation(scores=(0.95,)))
    assert reason(held).startswith(
        "performance: the champion was worse than the baseline, 0.9, by 0.02 or more in 0 of"
    )
    assert reason(held).endswith("the latest, 0.95, was not")


def test_without_a_score_there_is_nothing_to_say() -> None:
    decision = decide(Performance(), situation())
    assert reason(decision) == "performance: the champion has no score yet"
    assert decision.evidence == {"performance.scores": 0.0}


def test_evidence_can_be_stored_as_json() -> None:
    decision = decide(Performance(), situation(scores=(0.5, math.inf), lower_is_better=True))
    json.dumps(dict(decision.evidence), allow_nan=False)
    assert "performance.latest" not in decision.evidence


# --- any, all ---


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_any_is_or_and_all_is_and(first: bool, second: bool) -> None:
    both = (YES if first else NO, Amount(rows=1) if second else Amount(rows=10**6))
    assert trains(AnyOf(of=both), situation()) is (first or second)
    assert trains(All(of=both), situation()) is (first and second)


def test_any_gives_the_reasons_for_and_where_there_are_none_all_against() -> None:
    now = situation(intervals=3, rows=100)
    decision = decide(AnyOf(of=(Schedule(every=2), Amount(rows=500))), now)
    assert reason(decision) == "schedule: 3 intervals since the last training, 2 are due"
    decision = decide(AnyOf(of=(Schedule(every=9), Amount(rows=500))), now)
    assert decision.reasons == (
        "schedule: 3 intervals since the last training, 9 are due",
        "amount: 100 rows since the last training, 500 are due",
    )


def test_all_gives_the_reasons_against_and_where_there_are_none_all_for() -> None:
    now = situation(intervals=3, rows=100)
    decision = decide(All(of=(Schedule(every=2), Amount(rows=500))), now)
    assert reason(decision) == "amount: 100 rows since the last training, 500 are due"
    assert len(decide(All(of=(Schedule(every=2), Amount(rows=50))), now).reasons) == 2


def test_nested_evidence_is_kept_whole_under_its_place() -> None:
    nested = AnyOf(of=(Schedule(every=5), All(of=(Schedule(every=2), Amount(rows=10)))))
    decision = decide(nested, situation(intervals=3, rows=100))
    assert decision.action is Action.TRAIN
    assert decision.evidence == {
        "any.0.schedule.intervals_since_training": 3.0,
        "any.0.schedule.every": 5.0,
        "any.1.all.0.schedule.intervals_since_training": 3.0,
        "any.1.all.0.schedule.every": 2.0,
        "any.1.all.1.amount.rows_since_training": 100.0,
        "any.1.all.1.amount.rows": 10.0,
    }
    assert [one.split(":")[0] for one in decision.reasons] == ["schedule", "amount"]


def test_a_reason_given_twice_is_said_once() -> None:
    assert len(decide(AnyOf(of=(YES, YES)), situation()).reasons) == 1


def test_a_champion_that_cannot_be_scored_asks_for_a_training_whatever_the_trigger() -> None:
    decision = decide(Schedule(every=100), replace(situation(), unscored="its column is gone"))
    assert (decision.action, decision.reasons) == (Action.TRAIN, ("its column is gone",))
    assert decision.evidence == {"champion.scored": 0.0}


# --- k of several, cool-down -------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "expected"), [(1, True), (2, True), (3, False)])
def test_k_of_counts_those_that_ask(k: int, expected: bool) -> None:
    decision = decide(KOf(k=k, of=(YES, Amount(rows=10), NO)), situation())
    assert (decision.action is Action.TRAIN) is expected
    assert "k_of.2.schedule.every" in decision.evidence


def test_more_than_there_are_can_never_hold() -> None:
    with pytest.raises(ValueError, match="k = 3 of 2 triggers can never hold"):
        KOf(k=3, of=(YES, NO))


@pytest.mark.parametrize(("since", "expected"), [(1, False), (5, False), (6, True), (7, True)])
def test_a_trigger_that_cools_down_asks_for_nothing_before(since: int, expected: bool) -> None:
    decision = decide(Schedule(every=1, cool_down=6), situation(intervals=since))
    assert (decision.action is Action.TRAIN) is expected
    if not expected:
        assert "it cools down for 6" in decision.reasons[0]
        assert decision.evidence["schedule.cool_down"] == 6.0


def test_a_cool_down_holds_back_all_that_is_inside() -> None:
    assert not trains(AnyOf(of=(YES, YES), cool_down=3), situation(intervals=2))
    assert trains(AnyOf(of=(Schedule(cool_down=3), YES)), situation(intervals=2))


# --- cost --------------------------------------------------------------------------------------------------

CHEAP = Cost(cost_of_training=10.0, value_per_loss=1.0)


def ageing(*losses: float, past: tuple[Past, ...] = (), since: int = 6, rows: int = 5400) -> Situation:
    return replace(situation(intervals=since, rows=rows), losses=losses, past=past)


def test_a_champion_whose_loss_grows_is_worth_a_training_and_one_whose_does_not_is_not() -> None:
    assert trains(CHEAP, ageing(0.05, 0.05, 0.05, 0.12, 0.12, 0.12))
    assert not trains(CHEAP, ageing(0.05, 0.06, 0.05, 0.05, 0.06, 0.05))


def test_the_dearer_a_training_the_more_it_must_gain() -> None:
    now = ageing(0.05, 0.05, 0.05, 0.12, 0.12, 0.12)
    assert not trains(Cost(cost_of_training=10_000.0, value_per_loss=1.0), now)
    assert trains(Cost(cost_of_training=10_000.0, value_per_loss=1_000.0), now)
    assert not trains(Cost(cost_of_training=10.0, value_per_loss=1.0, caution=50.0), now)


def test_what_past_trainings_gained_counts_at_the_age_of_now() -> None:
    past = tuple(Past(age, 0.002 * age) for age in (4, 5, 6, 5))
    assert trains(CHEAP, ageing(past=past))
    assert not trains(CHEAP, ageing(past=tuple(Past(age, 0.0) for age in (4, 5, 6, 5))))
    assert not trains(CHEAP, ageing(past=past[:2])), "two tell nothing"


def test_a_cost_says_its_numbers() -> None:
    decision = decide(CHEAP, ageing(past=tuple(Past(5, 0.01) for _ in range(4)), since=5, rows=4500))
    assert reason(decision).startswith("cost: a training is expected to gain 45 in 5 intervals of 900 rows")
    assert decision.evidence["cost.gain"] == pytest.approx(45.0)
    assert reason(decide(CHEAP, ageing())) == "cost: nothing tells yet what a training gains"


# --- changes found by the watch ----------------------------------------------------------------------------


def watched(*alarms: Alarm) -> Situation:
    return replace(situation(), watched=Watched(era=Era(first=7, changes=len(alarms)), alarms=alarms))


HURTS, HARMLESS = (Rise(mean=mean, standard_error=0.002, effective_rows=900.0) for mean in (0.05, 0.0))


def test_an_alarm_of_the_watch_decides_alone_and_stands_until_a_training() -> None:
    stirred = replace(watched(), drift=(STIR, STORM))
    assert not trains(DriftTrigger(), stirred)
    assert trains(DriftTrigger(at_least=9), watched(Alarm(ago=0, features=("x",), rise=None)))
    decision = decide(DriftTrigger(), watched(Alarm(ago=2, features=("x", "y"), rise=HURTS)))
    assert reason(decision) == (
        "drift: a change 2 intervals ago in x, y; it hurts: the mean loss rose by 0.05, give or take 0.002"
    )
    assert decision.evidence["drift.era_first"] == 7.0


def test_drift_that_does_no_harm_is_told_apart_and_can_be_left_out() -> None:
    harmless = watched(Alarm(ago=0, features=("x",), rise=HARMLESS))
    assert "it does no harm" in reason(decide(DriftTrigger(), harmless))
    assert trains(DriftTrigger(), harmless)
    assert not trains(DriftTrigger(hurting_only=True), harmless)
    assert trains(DriftTrigger(hurting_only=True), watched(Alarm(ago=0, features=("x",), rise=HURTS)))
    assert trains(DriftTrigger(hurting_only=True), watched(Alarm(ago=0, features=("x",), rise=None)))
