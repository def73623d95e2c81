"""The gate's decisions, one case each, and its tests against scipy's and against simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from heliotrope import gate
from heliotrope.config import Gate, RollBack
from heliotrope.config.gate import Rate, Share
from heliotrope.evaluate import paired
from heliotrope.evidence.betting import Evidence
from heliotrope.evidence.budget import Budget
from heliotrope.evidence.contest import Contest, Counts
from heliotrope.gate import Account, Contender, decide, p_value, roll_back
from heliotrope.records import Action, PairedLoss


def counted(rows: int, wins: int, losses: int) -> PairedLoss:
    return paired(
        np.repeat([1.0, 0.0, 0.0], [wins, losses, rows - wins - losses]),
        np.repeat([0.0, 1.0, 0.0], [wins, losses, rows - wins - losses]),
    )


def measured(mean_gain: float, standard_error: float, rows: int = 100) -> PairedLoss:
    return PairedLoss(rows=rows, mean_gain=mean_gain, standard_error=standard_error)


def contender(
    candidate: str, gain: PairedLoss | None = None, *, same: bool = False, loss: float | None = 0.1
) -> Contender:
    return Contender(candidate=candidate, metrics={}, gain=gain, same_candidate=same, loss_mean=loss)


# --- without a champion ---


def test_without_a_champion_the_lowest_mean_loss_wins() -> None:
    decision, name = decide(Gate(), [contender("a", loss=0.2), contender("b", loss=0.1)], has_champion=False)
    assert (decision.action, name) == (Action.PROMOTE, "b")
    assert decision.reasons == ("first champion: b has the lowest mean loss, 0.1, of 2 candidates",)
    assert decision.evidence == {"a.loss": 0.2, "b.loss": 0.1}


def test_without_a_champion_and_rows_the_first_declared_wins() -> None:
    decision, name = decide(Gate(), [contender("z", loss=None), contender("a", loss=None)], has_champion=False)
    assert (decision.action, name) == (Action.PROMOTE, "z")
    assert decision.reasons == ("first champion, nothing to compare with: z was declared first",)


def test_a_champion_that_cannot_be_scored_gives_its_place_to_the_lowest_mean_loss() -> None:
    contenders = [contender("a", None, loss=0.2), contender("b", None, loss=0.1)]
    decision, name = decide(Gate(), contenders, has_champion=True, unscored="its column is gone")
    assert (name, decision.action) == ("b", Action.PROMOTE)
    assert decision.reasons == (
        "its column is gone",
        "taking its place: b has the lowest mean loss, 0.1, of 2 candidates",
    )
    assert decide(Gate(), [], has_champion=True, unscored="its column is gone")[0].action is Action.KEEP


def test_without_a_champion_a_loss_that_is_no_number_does_not_win() -> None:
    assert decide(Gate(), [contender("a", loss=math.nan), contender("b")], has_champion=False)[1] == "b"


def test_nothing_trained_keeps_what_there_is() -> None:
    for has_champion in (True, False):
        decision, name = decide(Gate(), [], has_champion=has_champion)
        assert (decision.action, name) == (Action.KEEP, None)
        assert decision.reasons == ("no candidate was trained",)


# --- another candidate ---


def test_a_clearly_better_candidate_is_promoted() -> None:
    decision, name = decide(Gate(), [contender("linear", counted(900, 22, 6))], has_champion=True)
    assert (decision.action, name) == (Action.PROMOTE, "linear")
    assert "linear is better than the champion: mean gain 0.01778 over 900 rows, p = 0.0019" in decision.reasons[0]
    assert decision.evidence["linear.p_value"] == pytest.approx(stats.binomtest(22, 28, alternative="greater").pvalue)
    assert decision.evidence["alpha"] == 0.05


def test_luck_is_not_enough() -> None:
    decision, name = decide(Gate(), [contender("linear", counted(900, 6, 3))], has_champion=True)
    assert (decision.action, name) == (Action.KEEP, None)
    assert "not shown to be better" in decision.reasons[0]
    assert "p = 0.25, needed < 0.05" in decision.reasons[0]


def test_a_sure_gain_below_the_least_is_too_little() -> None:
    challenger = contender("linear", counted(900, 22, 6))
    decision, name = decide(Gate(min_gain=0.02), [challenger], has_champion=True)
    assert name is None
    assert "by too little: mean gain 0.01778 over 900 rows, needed at least 0.02" in decision.reasons[0]


def test_a_tie_does_not_dethrone() -> None:
    assert decide(Gate(), [contender("linear", counted(900, 0, 0))], has_champion=True)[1] is None


def test_several_candidates_share_one_alpha() -> None:
    lucky = counted(900, 12, 4)  # p = 0.038
    assert decide(Gate(), [contender("a", lucky)], has_champion=True)[1] == "a"
    assert decide(Gate(), [contender("a", lucky), contender("b", counted(900, 5, 5))], has_champion=True)[1] is None


def test_holm_lets_the_second_pass_once_the_first_has() -> None:
    good, fair = contender("good", counted(900, 30, 2), loss=0.2), contender("fair", counted(900, 12, 4), loss=0.1)
    decision, name = decide(Gate(), [good, fair], has_champion=True)
    assert name == "fair"
    assert decision.evidence["fair.p_value"] == pytest.approx(p_value(counted(900, 12, 4)))
    assert decision.evidence["good.p_value"] == pytest.approx(2 * p_value(counted(900, 30, 2)))


def test_the_champions_own_refresh_is_no_part_of_the_correction() -> None:
    lucky = contender("a", counted(900, 12, 4), loss=0.05)
    refresh = contender("own", counted(900, 5, 5), same=True, loss=0.06)
    decision, name = decide(Gate(), [refresh, lucky], has_champion=True)
    assert name == "a"
    assert decision.evidence["a.p_value"] == pytest.approx(p_value(counted(900, 12, 4)))


# --- a refresh ---


STRICT = Gate(refresh="not_worse")


def test_a_refresh_that_is_not_worse_is_promoted() -> None:
    decision, name = decide(STRICT, [contender("own", counted(900, 5, 6), same=True)], has_champion=True)
    assert (decision.action, name) == (Action.PROMOTE, "own")
    assert (
        "a fresh own is not worse than the champion by 0.02: mean gain -0.001111 over 900 rows" in decision.reasons[0]
    )


def test_a_refresh_that_may_be_worse_is_kept_out_where_that_is_asked_for() -> None:
    decision, name = decide(STRICT, [contender("own", counted(900, 5, 20), same=True)], has_champion=True)
    assert (decision.action, name) == (Action.KEEP, None)
    assert "is not shown to be no worse than the champion by 0.02" in decision.reasons[0]


def test_few_rows_that_show_nothing_let_a_refresh_in_and_another_candidate_not() -> None:
    few = counted(48, 3, 4)
    decision, name = decide(Gate(), [contender("own", few, same=True)], has_champion=True)
    assert name == "own"
    assert (
        "a fresh own is not shown to be worse than the champion: mean gain -0.02083 over 48 rows" in decision.reasons[0]
    )
    assert decide(STRICT, [contender("own", few, same=True)], has_champion=True)[1] is None
    assert decide(Gate(), [contender("other", few)], has_champion=True)[1] is None


def test_a_refresh_that_is_shown_to_be_worse_is_kept_out() -> None:
    decision, name = decide(Gate(), [contender("own", counted(900, 5, 20), same=True)], has_champion=True)
    assert (decision.action, name) == (Action.KEEP, None)
    assert "a fresh own is worse than the champion: mean gain -0.01667 over 900 rows, p = 0.002" in decision.reasons[0]
    assert decide(Gate(), [contender("own", measured(-1.0, 0.3), same=True)], has_champion=True)[1] is None
    assert decide(Gate(), [contender("own", measured(-1.0, 3.0), same=True)], has_champion=True)[1] == "own"


@pytest.mark.parametrize("gain", [counted(10, 0, 0), measured(0.0, 0.0, rows=1), counted(1, 0, 0)])
def test_a_refresh_that_is_the_champion_passes_however_few_the_rows(gain: PairedLoss) -> None:
    decision, name = decide(Gate(), [contender("own", gain, same=True)], has_champion=True)
    assert name == "own"
    assert "no worse than the champion on any row" in decision.reasons[0]


def test_a_refresh_worse_by_a_constant_does_not_pass() -> None:
    assert decide(Gate(), [contender("own", measured(-0.1, 0.0), same=True)], has_champion=True)[1] is None


def test_the_refresh_stays_when_another_is_not_shown_to_be_better() -> None:
    other = contender("linear", counted(900, 8, 3), loss=0.01)
    refresh = contender("own", counted(900, 0, 0), same=True, loss=0.02)
    decision, name = decide(Gate(), [other, refresh], has_champion=True)
    assert name == "own"
    assert decision.reasons[0].startswith("a fresh own")
    assert "linear is not shown to be better" in decision.reasons[1]


def test_of_those_that_pass_the_lowest_mean_loss_wins() -> None:
    better = [contender("a", counted(900, 40, 2), loss=0.03), contender("b", counted(900, 50, 2), loss=0.02)]
    refresh = contender("own", counted(900, 60, 2), same=True, loss=0.01)
    assert decide(Gate(), better, has_champion=True)[1] == "b"
    assert decide(Gate(), [*better, refresh], has_champion=True)[1] == "own"


def test_of_equals_the_champions_own_candidate_stays() -> None:
    gain = counted(900, 40, 2)
    contenders = [contender("a", gain), contender("own", gain, same=True), contender("b", gain)]
    assert decide(Gate(), contenders, has_champion=True)[1] == "own"


def test_without_rows_to_compare_on_the_champion_stays() -> None:
    decision, name = decide(Gate(), [contender("a"), contender("own", same=True)], has_champion=True)
    assert (decision.action, name) == (Action.KEEP, None)
    assert decision.reasons[0] == "own: there were no rows to compare it with the champion on"


def test_a_scale_makes_the_margin_a_share() -> None:
    refresh = contender("own", measured(-1.0, 0.3), same=True, loss=101.0)
    assert decide(STRICT, [refresh], has_champion=True)[1] is None
    decision, name = decide(STRICT, [refresh], has_champion=True, scale=100.0)
    assert name == "own"
    assert decision.evidence["margin"] == 2.0


# --- the tests ---


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (0, 3), (5, 1), (8, 2), (60, 40), (700, 650)])
def test_zero_one_losses_are_tested_by_the_exact_binomial(wins: int, losses: int) -> None:
    exact = stats.binomtest(wins, wins + losses, alternative="greater").pvalue if wins + losses else 1.0
    assert p_value(counted(2000, wins, losses)) == pytest.approx(exact, rel=1e-12)


def test_other_losses_are_tested_by_the_t_test() -> None:
    rng = np.random.default_rng(3)
    champion, challenger = rng.exponential(size=(2, 40))
    pair = paired(champion, challenger)
    expected = stats.ttest_rel(champion, challenger, alternative="greater").pvalue
    assert p_value(pair) == pytest.approx(expected, rel=1e-9)
    shifted = stats.ttest_1samp(champion - challenger, -0.1, alternative="greater").pvalue
    assert p_value(pair, -0.1) == pytest.approx(shifted, rel=1e-9)


def test_the_score_test_finds_the_restricted_maximum_of_the_likelihood() -> None:
    wins, losses, rows, above = 11, 17, 400, -0.03
    gain, q = counted(rows, wins, losses), np.linspace(0.0301, 0.2, 400_000)
    likelihood = wins * np.log(q + above) + losses * np.log(q) + (rows - wins - losses) * np.log(1 - 2 * q - above)
    best = q[likelihood.argmax()]
    z = (wins - losses - rows * above) / np.sqrt(rows * (2 * best + above - above**2))
    assert p_value(gain, above) == pytest.approx(stats.norm.sf(z), rel=1e-4)


@pytest.mark.parametrize("above", [0.0, -0.02, -0.5, -1.0])
def test_no_row_and_one_row_prove_nothing(above: float) -> None:
    assert p_value(counted(0, 0, 0), above) == 1.0
    assert p_value(measured(5.0, 0.0, rows=1), above) == 1.0
    assert p_value(measured(math.nan, math.nan), above) == 1.0


def test_a_margin_of_everything_always_holds() -> None:
    assert p_value(counted(10, 0, 10), -1.0) == 0.0


def test_a_gain_that_never_varies_is_certain() -> None:
    assert p_value(measured(0.1, 0.0)) == 0.0
    assert p_value(measured(0.0, 0.0)) == 1.0


def losses_of(
    rng: np.random.Generator, champion: float, challenger: float, trials: int, rows: int = 900
) -> list[PairedLoss]:
    """Pairs whose models err on half their rows together, as two models of one stream do."""
    both = 0.5 * min(champion, challenger) + 0.5 * champion * challenger
    chances = [both, champion - both, challenger - both, 1.0 - champion - challenger + both]
    return [counted(rows, int(wins), int(losses)) for _, wins, losses, _ in rng.multinomial(rows, chances, size=trials)]


def test_equal_models_are_promoted_at_most_at_the_rate_of_alpha() -> None:
    rng = np.random.default_rng(11)
    promoted = [
        decide(Gate(), [contender("b", gain)], has_champion=True)[1] for gain in losses_of(rng, 0.05, 0.05, 4000)
    ]
    assert np.mean([name is not None for name in promoted]) < 0.05


def test_of_three_equal_models_one_is_promoted_at_most_at_the_rate_of_alpha() -> None:
    rng = np.random.default_rng(12)
    gains = [losses_of(rng, 0.05, 0.05, 2000) for _ in range(3)]
    promoted = [
        decide(Gate(), [contender(name, gain) for name, gain in zip("abc", trial, strict=True)], has_champion=True)[1]
        for trial in zip(*gains, strict=True)
    ]
    assert np.mean([name is not None for name in promoted]) < 0.05


def test_a_refresh_worse_by_the_margin_passes_at_most_at_about_the_rate_of_alpha() -> None:
    rng = np.random.default_rng(13)
    passed = [p_value(gain, -0.02) < 0.05 for gain in losses_of(rng, 0.05, 0.07, 4000)]
    assert np.mean(passed) < 0.055


def test_one_hour_mostly_suffices_to_tell_the_best_windowed_model_from_the_drift_aware_one() -> None:
    rng = np.random.default_rng(14)
    passed = [p_value(gain) < 0.05 for gain in losses_of(rng, 1 - 0.952, 1 - 0.9676, 2000)]
    assert np.mean(passed) > 0.6


def test_one_hour_surely_suffices_to_tell_the_original_tree_from_the_drift_aware_one() -> None:
    rng = np.random.default_rng(15)
    passed = [p_value(gain) < 0.05 for gain in losses_of(rng, 1 - 0.86, 1 - 0.9676, 500)]
    assert np.mean(passed) == 1.0


# --- under a promise ---------------------------------------------------------------------------------------


def account(promise: Rate | Share, *gains: tuple[int, int], shock: float = 0.0, above: float = 0.0) -> Account:
    """What ``linear`` has gathered over intervals of 900 rows, from its wins and losses in each."""
    contest, policy = Contest(), gate.policy(promise)
    for wins, losses in gains:
        contest = contest.after({"linear": Counts(wins, losses, 900)}, policy, above=above, shock=shock)
    return Account(policy=policy, contest=contest, shocks={"linear": shock}, above=above)


def judged(
    promise: Rate | Share, *gains: tuple[int, int], shock: float = 0.0, above: float = 0.0
) -> tuple[str | None, str]:
    """Who is promoted after the last of these intervals, and why."""
    challenger = contender("linear", counted(900, *gains[-1]))
    found = account(promise, *gains, shock=shock, above=above)
    decision, name = decide(Gate(), [challenger], has_champion=True, account=found)
    return name, decision.reasons[0]


def test_small_gains_are_gathered_until_they_suffice() -> None:
    names = [judged(Rate(), *[(20, 9)] * intervals)[0] for intervals in range(1, 9)]
    assert names[0] is None
    assert names[-1] == "linear"
    first = names.index("linear")
    assert names == [None] * first + ["linear"] * (8 - first)


def test_the_reason_says_how_much_evidence_there_is_and_how_much_is_needed() -> None:
    name, reason = judged(Rate(), (20, 12), (16, 14))
    assert name is None
    assert "linear is not yet shown to be better than the champion: evidence " in reason
    assert " of the 200 needed, mean gain 0.005556 over 2 intervals of 1800 rows; this interval alone " in reason
    assert reason.endswith("needed < 0.005")


def test_a_large_gain_is_believed_at_once() -> None:
    name, reason = judged(Rate(one_in=1000), (60, 15))
    assert name == "linear"
    assert "linear is better than the champion: evidence " in reason


def test_what_an_intervals_rows_share_is_no_evidence() -> None:
    assert judged(Rate(), (40, 15))[0] == "linear"
    assert judged(Rate(), (40, 15), shock=0.05)[0] is None


def test_a_gain_that_is_no_more_than_the_least_is_not_enough() -> None:
    gains = [(20, 9)] * 12  # a mean gain of 0.0122
    assert judged(Rate(), *gains, above=0.005)[0] == "linear"
    assert judged(Rate(), *gains, above=0.012)[0] is None


def test_a_share_asks_for_more_as_decisions_go_by() -> None:
    early = account(Share(), (20, 9))
    late = Account(
        policy=early.policy,
        contest=Contest(budget=Budget(decisions=500), evidence=early.contest.evidence),
        shocks=early.shocks,
        above=0.0,
    )
    assert late.stake < early.stake / 100
    assert late.price == early.price == 1.0


def test_the_test_of_one_interval_keeps_the_half_of_the_promise_that_is_its_own() -> None:
    """Of intervals of equal models at most one in 2 * 20 is promoted by the newest one alone."""
    random = np.random.default_rng(2)
    found = 0
    for _ in range(4_000):
        wins = int(random.binomial(900, 0.03))
        losses = int(random.binomial(900 - wins, 0.03 / 0.97))
        # Evidence that began with nothing: what is left is the test of this interval.
        held = account(Rate(one_in=20), (wins, losses))
        poor = Contest(evidence={"linear": Evidence(rows=900, intervals=1)})
        alone = Account(policy=held.policy, contest=poor, shocks={"linear": 0.0}, above=0.0)
        gain = contender("linear", counted(900, wins, losses))
        found += decide(Gate(), [gain], has_champion=True, account=alone)[1] is not None
    assert 0 < found <= 4_000 / 40


def test_against_a_gain_above_zero_the_score_test_keeps_its_level() -> None:
    random = np.random.default_rng(3)
    wins = random.binomial(900, 0.05, 4_000)
    losses = random.binomial(900 - wins, 0.03 / 0.95)
    p = np.array([p_value(counted(900, int(won), int(lost)), 0.02) for won, lost in zip(wins, losses, strict=True)])
    assert 0.035 < (p < 0.05).mean() < 0.065


def test_a_guard_keeps_out_whoever_would_be_promoted() -> None:
    better = contender("linear", counted(900, 22, 6))
    kept = replace(better, kept_out=("its log_loss is 2, the champion has 1, and 0.02 worse is borne",))
    for one, name in ((better, "linear"), (kept, None)):
        decision, found = decide(Gate(false_promotions=None), [one], has_champion=True)
        assert found == name
    assert decision.reasons[0].startswith("linear is kept out by a guard: its log_loss is 2")


def test_the_champion_before_is_put_back_on_evidence_and_not_sooner() -> None:
    seen = Evidence().after_counts(30, 20, 900, stake=1 / 500)
    assert roll_back(RollBack(), "tree", seen, 0.0) is None
    decision = roll_back(RollBack(), "tree", seen.after_counts(90, 20, 900, stake=1 / 500), 70 / 900)
    assert decision is not None
    assert decision.action is Action.ROLL_BACK
    assert "the champion before, tree, would have done better: evidence " in decision.reasons[0]
    assert "over 2 intervals of 1800 rows" in decision.reasons[0]
