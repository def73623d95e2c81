"""Champion against challenger: who serves next, decided on losses over the same rows.

One-sided paired tests. Losses of 0 and 1 are tested exactly by the sign test on the rows where the two models
differ (McNemar, 1947), and against a margin by the score test of Tango (1998, Statistics in Medicine 17:891-908);
other losses by Student's t test on the differences. Where every interval is judged alone and several candidates want
the champion's place, their p-values are corrected by Holm (1979). Where false promotions are promised to be rare over
all intervals, an :class:`Account` holds what :mod:`heliotrope.evidence` has gathered; half of each decision's stake is
bet there, and with the other half one buys a test of the newest interval alone, which finds a large gain at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

from heliotrope.config.gate import Share
from heliotrope.evidence import budget
from heliotrope.evidence.betting import Evidence
from heliotrope.evidence.contest import Contest
from heliotrope.records import Action, Decision, PairedLoss

if TYPE_CHECKING:
    from heliotrope.config.gate import Gate, Promise, RollBack

__all__ = ["Account", "Contender", "decide", "p_value", "policy", "roll_back", "shadowed", "to_shadow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A newly trained model that wants to serve.

    ``gain`` is None where there was no champion, or no row, to compare it on; ``same_candidate`` says that it is a
    fresh fit of the champion's own candidate; ``loss_mean`` is None where it could not be scored; ``kept_out`` says why
    guards do not let it in, however good it is.
    """

    candidate: str
    metrics: Mapping[str, float]
    gain: PairedLoss | None
    same_candidate: bool
    loss_mean: float | None
    kept_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What has been gathered under a promise, the newest interval included; bet above ``above``, with ``shocks``."""

    policy: budget.Policy
    contest: Contest
    shocks: Mapping[str, float]
    above: float

    @property
    def stake(self) -> float:
        """What this decision staked on each challenger, in bets and on the test of the newest interval alone."""
        return self.policy.stake(self.contest.budget) / max(len(self.shocks), 1)

    @property
    def price(self) -> float:
        """The capital that promotes."""
        return self.policy.price(self.contest.budget)


def policy(promise: Promise) -> budget.Policy:
    """Half of what is promised, for the bets; the other half is for tests of one interval.

    >>> from heliotrope.config.gate import Rate
    >>> policy(Rate(one_in=100))
    Rate(one_in=200.0)
    """
    return budget.Share(promise.alpha / 2.0) if isinstance(promise, Share) else budget.Rate(promise.one_in * 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What the gate says of one contender; ``p_value`` is corrected, and None without a comparison."""

    contender: Contender
    passed: bool
    reason: str
    p_value: float | None


def decide(
    gate: Gate,
    contenders: Sequence[Contender],
    *,
    has_champion: bool,
    scale: float = 1.0,
    unscored: str = "",
    account: Account | None = None,
) -> tuple[Decision, str | None]:
    """Promote one contender, named in the second place, or keep the champion (None).

    Another candidate must be better than the champion: with an ``account``, what it has gathered must reach the price,
    or the newest interval alone suffice; without one, its mean gain must be at least ``min_gain``, and above zero at
    level ``alpha`` after Holm's correction over all other candidates. A fresh fit of the champion's own passes unless
    it is shown to be worse at level ``alpha``; with ``refresh: not_worse`` its mean gain must be above ``-margin`` at
    that level, or it be worse on no row at all. Of those that pass, the lowest mean loss is promoted; of equals the
    champion's own candidate, then the first by name. Without a champion the lowest mean loss is promoted, and where
    nothing was scored the first one; so also where there is one that cannot be scored, for the reason ``unscored``.

    ``scale`` is what ``min_gain`` and ``margin`` are shares of: 1 for losses between 0 and 1; for a loss in the
    target's unit give the champion's mean loss.

    >>> from heliotrope.config import Gate
    >>> gain = PairedLoss(rows=900, mean_gain=16 / 900, standard_error=0.006, wins=22, losses=6)
    >>> linear = Contender(candidate="linear", metrics={}, gain=gain, same_candidate=False, loss_mean=0.032)
    >>> decision, name = decide(Gate(), [linear], has_champion=True)
    >>> name, decision.reasons[0]
    ('linear', 'linear is better than the champion: mean gain 0.01778 over 900 rows, p = 0.0019 < 0.05')
    >>> decision.evidence["linear.gain"]
    0.017777777777777778
    """
    if not contenders:
        return Decision(action=Action.KEEP, reasons=("no candidate was trained",), evidence={}), None
    if not has_champion or unscored:
        return _without_champion(contenders, unscored)
    findings = [_guarded(one) for one in _findings(gate, contenders, scale, account)]
    evidence = _evidence(contenders) | {
        f"{finding.contender.candidate}.p_value": finding.p_value for finding in findings if finding.p_value is not None
    }
    evidence |= {"alpha": gate.alpha, "min_gain": gate.min_gain * scale, "margin": gate.margin * scale}
    evidence |= {} if account is None else _gathered(account)
    findings.sort(key=lambda finding: (not finding.passed, *_rank(finding.contender)))
    reasons = tuple(finding.reason for finding in findings)
    if not findings[0].passed:
        return Decision(action=Action.KEEP, reasons=reasons, evidence=evidence), None
    winner = findings[0].contender
    return Decision(action=Action.PROMOTE, reasons=reasons, evidence=evidence), winner.candidate


def p_value(gain: PairedLoss, above: float = 0.0) -> float:
    """The one-sided p-value against a true mean gain of at most ``above`` (zero, or a negative margin).

    >>> round(p_value(PairedLoss(rows=900, mean_gain=5 / 900, standard_error=0.0025, wins=5, losses=0)), 5)
    0.03125
    """
    if gain.wins is None or gain.losses is None:
        return _t_test(gain, above)
    if abs(above) < 1e-9:
        return _sign_test(gain.wins, gain.losses)
    return _score_test(gain.wins, gain.losses, gain.rows, above)


# --- the champion before ---------------------------------------------------------------------------------


def roll_back(rule: RollBack, previous: str, evidence: Evidence, newest: float) -> Decision | None:
    """The decision to put the champion before back, named ``previous``; None while evidence does not suffice.

    Evidence counts from whenever it began to speak, so the mean gain of all intervals may be less than that of the
    latest ones; ``newest`` is that of the newest.

    >>> from heliotrope.config.gate import RollBack
    >>> seen = Evidence().after_counts(30, 2, 900, stake=1 / 500)
    >>> roll_back(RollBack(), "tree of yesterday", seen, 28 / 900).reasons[0]  # doctest: +ELLIPSIS
    'the champion before, tree of yesterday, would have done better: evidence ... of the 500 needed, ...'
    """
    if evidence.wealth < 1.0:
        return None
    reason = (
        f"the champion before, {previous}, would have done better: evidence "
        f"{_multiple(evidence.wealth * rule.one_in)} of the {rule.one_in:.4g} needed, mean gain {evidence.mean:.4g} "
        f"over {_counted(evidence.intervals)} of {evidence.rows} rows"
        + (f", {newest:.4g} in the newest" if evidence.intervals > 1 else "")
    )
    numbers = {"wealth": evidence.wealth, "e_value": evidence.e_value, "gain": evidence.mean}
    said = {f"previous.{name}": value for name, value in numbers.items()} | {"price": 1.0, "stake": 1.0 / rule.one_in}
    return Decision(action=Action.ROLL_BACK, reasons=(reason,), evidence=said)


# --- the shadow -------------------------------------------------------------------------------------------


def to_shadow(gate: Gate, contenders: Sequence[Contender], *, scale: float) -> str | None:
    """Which contender goes into the shadow: of the others that did better and that no guard keeps out the best one.

    This is no evidence. It only chooses what to gather evidence on, from the next interval on.
    """
    better = [
        one
        for one in contenders
        if one.gain is not None and not one.same_candidate and not one.kept_out
        if one.gain.mean_gain > gate.min_gain * scale
    ]
    return min(better, key=_rank).candidate if better else None


def shadowed(gate: Gate, name: str, evidence: Evidence, *, left: int) -> tuple[Decision | None, str]:
    """The decision to promote the challenger in the shadow, None while evidence does not suffice; and how it stands.

    ``left`` is how many intervals it has left there.
    """
    stake = _rate(gate).stake(budget.Budget())
    passed = evidence.wealth >= 1.0
    after = "" if passed else f", {_counted(left)} left" if left else ", and it leaves the shadow"
    said = (
        f"{name}, in the shadow, is {'' if passed else 'not yet shown to be '}better than the champion: evidence "
        f"{_multiple(evidence.wealth / stake)} of the {1.0 / stake:.4g} needed, mean gain {evidence.mean:.4g} over "
        f"{_counted(evidence.intervals)} of {evidence.rows} rows{after}"
    )
    if not passed:
        return None, said
    numbers = {"wealth": evidence.wealth, "e_value": evidence.e_value, "gain": evidence.mean}
    found = {f"{name}.{key}": value for key, value in numbers.items()} | {"price": 1.0, "stake": stake}
    return Decision(action=Action.PROMOTE, reasons=(said,), evidence=found), said


def _rate(gate: Gate) -> budget.Rate:
    assert gate.false_promotions is not None, "refused where the pipeline is read"
    assert not isinstance(gate.false_promotions, Share), "refused where the pipeline is read"
    return budget.Rate(gate.false_promotions.one_in)


def _multiple(stakes: float) -> str:
    return f"{stakes:,.0f}" if 10.0 <= stakes < 1e6 else f"{stakes:.2g}"


def _counted(intervals: int) -> str:
    return f"{intervals} intervals" if intervals > 1 else "1 interval"


# --- without a champion ------------------------------------------------------------------------------------


def _without_champion(contenders: Sequence[Contender], unscored: str) -> tuple[Decision, str]:
    scored = [contender for contender in contenders if math.isfinite(_loss(contender))]
    what = "taking its place" if unscored else "first champion"
    if scored:
        winner = min(scored, key=_rank)
        reason = f"{what}: {winner.candidate} has the lowest mean loss, {winner.loss_mean:.4g}"
        reason += f", of {len(contenders)} candidates" if len(contenders) > 1 else ""
    else:
        winner = contenders[0]
        first = "the first that could be fitted" if unscored else "declared first"
        reason = f"{what}, nothing to compare with: {winner.candidate} was {first}"
    reasons = (unscored, reason) if unscored else (reason,)
    decision = Decision(action=Action.PROMOTE, reasons=reasons, evidence=_evidence(contenders))
    return decision, winner.candidate


def _loss(contender: Contender) -> float:
    return math.inf if contender.loss_mean is None or math.isnan(contender.loss_mean) else contender.loss_mean


def _rank(contender: Contender) -> tuple[float, bool, str]:
    """The lower is promoted first."""
    return _loss(contender), not contender.same_candidate, contender.candidate


def _evidence(contenders: Sequence[Contender]) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for contender in contenders:
        if contender.loss_mean is not None:
            evidence[f"{contender.candidate}.loss"] = contender.loss_mean
        if contender.gain is not None:
            evidence[f"{contender.candidate}.gain"] = contender.gain.mean_gain
            evidence[f"{contender.candidate}.rows"] = float(contender.gain.rows)
    return evidence


# --- against the champion ----------------------------------------------------------------------------------


def _findings(gate: Gate, contenders: Sequence[Contender], scale: float, account: Account | None) -> list[_Finding]:
    findings = [
        _Finding(
            contender=contender,
            passed=False,
            reason=f"{contender.candidate}: there were no rows to compare it with the champion on",
            p_value=None,
        )
        for contender in contenders
        if contender.gain is None
    ]
    compared = [(contender, contender.gain) for contender in contenders if contender.gain is not None]
    findings += [
        _unless_worse(contender, gain, gate.alpha)
        if gate.refresh == "unless_worse"
        else _not_worse(contender, gain, gate.alpha, gate.margin * scale)
        for contender, gain in compared
        if contender.same_candidate
    ]
    others = [(contender, gain) for contender, gain in compared if not contender.same_candidate]
    if gate.kind == "shadow":
        return findings + [_only_shown(contender, gain) for contender, gain in others]
    if account is not None:
        return findings + [_by_account(contender, gain, account) for contender, gain in others]
    corrected = _holm([p_value(gain) for _, gain in others])
    findings += [
        _better(contender, gain, p, gate.alpha, gate.min_gain * scale)
        for (contender, gain), p in zip(others, corrected, strict=True)
    ]
    return findings


def _better(contender: Contender, gain: PairedLoss, p: float, alpha: float, min_gain: float) -> _Finding:
    passed = p < alpha and gain.mean_gain >= min_gain
    name, numbers = contender.candidate, f"mean gain {gain.mean_gain:.4g} over {gain.rows} rows"
    if passed:
        reason = f"{name} is better than the champion: {numbers}, {said_p(p)} < {alpha:g}"
    elif p >= alpha:
        reason = f"{name} is not shown to be better than the champion: {numbers}, {said_p(p)}, needed < {alpha:g}"
    else:
        reason = f"{name} is better than the champion by too little: {numbers}, needed at least {min_gain:.4g}"
    return _Finding(contender=contender, passed=passed, reason=reason, p_value=p)


def _only_shown(contender: Contender, gain: PairedLoss) -> _Finding:
    reason = (
        f"{contender.candidate} has a mean gain of {gain.mean_gain:.4g} over {gain.rows} rows; it is promoted from the "
        "shadow or not at all"
    )
    return _Finding(contender=contender, passed=False, reason=reason, p_value=None)


def _guarded(finding: _Finding) -> _Finding:
    """The finding, not passed where guards keep the contender out."""
    if not finding.passed or not finding.contender.kept_out:
        return finding
    why = "; ".join(finding.contender.kept_out)
    return replace(finding, passed=False, reason=f"{finding.contender.candidate} is kept out by a guard: {why}")


def _by_account(contender: Contender, gain: PairedLoss, account: Account) -> _Finding:
    """Evidence and what is needed are both said as multiples of this decision's stake on the challenger."""
    name, above = contender.candidate, account.above
    one = account.contest.evidence.get(name)
    if one is None:
        return _Finding(contender=contender, passed=False, reason=f"{name} was not bet on", p_value=None)
    p, level = _alone(gain, above, account.shocks[name]), min(account.stake / account.price, 1.0)
    passed = one.wealth >= account.price or p < level
    least = f" by {above:.4g}" if above else ""
    reason = (
        f"{name} is {'' if passed else 'not yet shown to be '}better than the champion{least}: evidence "
        f"{_multiple(one.wealth / account.stake)} of the {1.0 / level:.4g} needed, mean gain {one.mean:.4g} over "
        f"{_counted(one.intervals)} of {one.rows} rows; this interval alone {gain.mean_gain:.4g}, {said_p(p)}, "
        f"{'<' if p < level else 'needed <'} {level:.2g}"
    )
    return _Finding(contender=contender, passed=passed, reason=reason, p_value=p)


def _alone(gain: PairedLoss, above: float, shock: float) -> float:
    """The p-value of the newest interval; what its rows share counts as one more draw."""
    p = p_value(gain, above)
    if shock <= 0.0:
        return p
    return max(p, NormalDist().cdf((above - gain.mean_gain) / math.hypot(gain.standard_error, shock)))


def _gathered(account: Account) -> dict[str, float]:
    """The numbers of an account, for the decision's evidence."""
    said = {"price": account.price, "stake": account.stake}
    for name, shock in account.shocks.items():
        one = account.contest.evidence[name]
        said |= {f"{name}.wealth": one.wealth, f"{name}.e_value": one.e_value, f"{name}.shock": shock}
    return said


def _unless_worse(contender: Contender, gain: PairedLoss, alpha: float) -> _Finding:
    """The champion's own candidate on newer rows: kept out where the interval shows it to be worse."""
    p = p_value(replace(gain, mean_gain=-gain.mean_gain, wins=gain.losses, losses=gain.wins))
    name, numbers = contender.candidate, f"mean gain {gain.mean_gain:.4g} over {gain.rows} rows"
    if p < alpha:
        reason = f"a fresh {name} is worse than the champion: {numbers}, p = {p:.2g} < {alpha:g}"
    elif _worse_nowhere(gain):
        reason = f"a fresh {name} does no worse than the champion on any row: {numbers}"
    else:
        reason = f"a fresh {name} is not shown to be worse than the champion: {numbers}"
    return _Finding(contender=contender, passed=p >= alpha, reason=reason, p_value=p)


def _not_worse(contender: Contender, gain: PairedLoss, alpha: float, margin: float) -> _Finding:
    p = p_value(gain, -margin)
    name, numbers = contender.candidate, f"mean gain {gain.mean_gain:.4g} over {gain.rows} rows"
    passed = True
    if p < alpha:
        reason = f"a fresh {name} is not worse than the champion by {margin:.4g}: {numbers}, {said_p(p)} < {alpha:g}"
    elif _worse_nowhere(gain):
        reason = f"a fresh {name} does no worse than the champion on any row: {numbers}"
    else:
        passed = False
        reason = (
            f"a fresh {name} is not shown to be no worse than the champion by {margin:.4g}: {numbers}, {said_p(p)}, "
            f"needed < {alpha:g}"
        )
    return _Finding(contender=contender, passed=passed, reason=reason, p_value=p)


def _worse_nowhere(gain: PairedLoss) -> bool:
    if gain.losses is not None:
        return gain.losses == 0
    return gain.standard_error == 0.0 and gain.mean_gain >= 0.0


def _holm(p_values: Sequence[float]) -> list[float]:
    """Step-down: the smallest of m times m, the next times m - 1 and not below the one before."""
    corrected = [1.0] * len(p_values)
    floor = 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        floor = max(floor, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = floor
    return corrected


# --- the tests ---------------------------------------------------------------------------------------------


def _sign_test(wins: int, losses: int) -> float:
    """The chance of at least ``wins`` heads in ``wins + losses`` throws of a fair coin."""
    if wins == 0:
        return 1.0
    from scipy.special import bdtrc

    return float(bdtrc(wins - 1, wins + losses, 0.5))


def _score_test(wins: int, losses: int, rows: int, above: float) -> float:
    """Tango's: the variance of ``wins - losses`` under a true mean gain of ``above``, by restricted likelihood."""
    if rows == 0:
        return 1.0
    if above <= -1.0:
        return 0.0
    b = (2.0 * rows - wins + losses) * above - wins - losses
    c = -losses * above * (1.0 - above)
    losing = (math.sqrt(max(b * b - 8.0 * rows * c, 0.0)) - b) / (4.0 * rows)
    variance = rows * (2.0 * losing + above - above * above)
    distance = wins - losses - rows * above
    return NormalDist().cdf(-distance / math.sqrt(variance))


def _t_test(gain: PairedLoss, above: float) -> float:
    if gain.rows < 2 or math.isnan(gain.mean_gain):
        return 1.0
    distance = gain.mean_gain - above
    if gain.standard_error == 0.0:
        return 0.0 if distance > 0.0 else 1.0
    from scipy.special import stdtr

    return float(stdtr(gain.rows - 1, -distance / gain.standard_error))


def said_p(p: float) -> str:
    """A p-value as a reason has it.

    >>> said_p(0.0123456), said_p(0.0)
    ('p = 0.012', 'p < 1e-15')
    """
    return f"p = {p:.2g}" if p >= 1e-15 else "p < 1e-15"
