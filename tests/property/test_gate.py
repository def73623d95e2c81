"""What must hold of the gate whatever the contenders: order, level, gain, and that its words match its act."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope.config import Gate
from heliotrope.evaluate import paired
from heliotrope.gate import Contender, decide, p_value
from heliotrope.records import Action, PairedLoss

alphas = st.floats(0.001, 0.5)
gates = st.builds(Gate, alpha=alphas, min_gain=st.sampled_from([0.0, 0.01]), margin=st.sampled_from([0.0, 0.02, 0.1]))


@st.composite
def counts(draw: st.DrawFn) -> PairedLoss:
    rows = draw(st.integers(1, 300))
    wins = draw(st.integers(0, rows))
    losses = draw(st.integers(0, rows - wins))
    return of(rows, wins, losses)


def of(rows: int, wins: int, losses: int) -> PairedLoss:
    kinds = [wins, losses, rows - wins - losses]
    return paired(np.repeat([1.0, 0.0, 0.0], kinds), np.repeat([0.0, 1.0, 0.0], kinds))


measures = st.builds(
    PairedLoss, rows=st.integers(1, 300), mean_gain=st.floats(-1.0, 1.0), standard_error=st.floats(0.0, 0.2)
)
pairs = st.one_of(counts(), measures)


@st.composite
def fields(draw: st.DrawFn) -> list[Contender]:
    """One to five contenders, at most one of them the champion's own candidate, in any order."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True))
    own = draw(st.sampled_from([*names, None]))
    return [
        Contender(
            candidate=name,
            metrics={},
            gain=draw(st.one_of(st.none(), pairs)),
            same_candidate=name == own,
            loss_mean=draw(st.one_of(st.none(), st.floats(0.0, 1.0))),
        )
        for name in names
    ]


@settings(max_examples=150, deadline=None)
@given(gate=gates, contenders=fields(), data=st.data())
def test_the_order_of_contenders_does_not_matter(gate: Gate, contenders: list[Contender], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(contenders))
    assert decide(gate, contenders, has_champion=True) == decide(gate, shuffled, has_champion=True)


def acts(gate: Gate, contenders: list[Contender], alpha: float) -> tuple[Action, Action]:
    """What the gate does at the smaller of two levels, and at the larger one."""
    low, high = sorted((gate.alpha, alpha))
    strict, lax = (
        decide(gate.model_copy(update={"alpha": level}), contenders, has_champion=True)[0].action
        for level in (low, high)
    )
    return strict, lax


@settings(max_examples=150, deadline=None)
@given(gate=gates, contenders=fields(), alpha=alphas)
def test_a_larger_alpha_never_turns_promote_into_keep(gate: Gate, contenders: list[Contender], alpha: float) -> None:
    """Of those who have to show something: a fresh fit of the champion's own has not to, unless the gate asks it."""
    asked = gate.model_copy(update={"refresh": "not_worse"})
    others = [one for one in contenders if not one.same_candidate]
    for strict, lax in (acts(asked, contenders, alpha), acts(gate, others, alpha)):
        assert not (strict is Action.PROMOTE and lax is Action.KEEP)


@settings(max_examples=150, deadline=None)
@given(gate=gates, gain=pairs, alpha=alphas)
def test_a_fresh_fit_of_the_champions_own_is_kept_out_sooner_at_a_larger_alpha(
    gate: Gate, gain: PairedLoss, alpha: float
) -> None:
    """There it is the level at which it is shown to be worse."""
    own = Contender(candidate="a", metrics={}, gain=gain, same_candidate=True, loss_mean=None)
    strict, lax = acts(gate.model_copy(update={"refresh": "unless_worse"}), [own], alpha)
    assert not (strict is Action.KEEP and lax is Action.PROMOTE)


@settings(max_examples=150, deadline=None)
@given(gate=gates, contenders=fields(), data=st.data())
def test_more_gain_never_turns_promote_into_keep(gate: Gate, contenders: list[Contender], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(contenders) - 1))
    gain = contenders[place].gain
    if gain is None:
        return
    better = list(contenders)
    better[place] = replace(contenders[place], gain=data.draw(improved(gain)))
    before = decide(gate, contenders, has_champion=True)[0].action
    after = decide(gate, better, has_champion=True)[0].action
    assert not (before is Action.PROMOTE and after is Action.KEEP)


@st.composite
def improved(draw: st.DrawFn, gain: PairedLoss) -> PairedLoss:
    """The same rows with some lost ones made ties or wins, or ties made wins; or a greater mean, equally sure."""
    if gain.wins is None or gain.losses is None:
        return replace(gain, mean_gain=gain.mean_gain + draw(st.floats(0.0, 1.0)))
    mended = draw(st.integers(0, gain.losses))
    won = draw(st.integers(0, gain.rows - gain.wins - gain.losses + mended))
    return of(gain.rows, gain.wins + won, gain.losses - mended)


@settings(max_examples=150, deadline=None)
@given(gain=pairs, above=st.sampled_from([0.0, -0.005, -0.02, -0.1]), data=st.data())
def test_more_gain_never_raises_the_p_value(gain: PairedLoss, above: float, data: st.DataObject) -> None:
    better = data.draw(improved(gain))
    assert p_value(better, above) <= p_value(gain, above) + 1e-12


@settings(max_examples=150, deadline=None)
@given(gain=pairs, margins=st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.5)))
def test_a_wider_margin_never_raises_the_p_value_of_a_test_of_one_kind(
    gain: PairedLoss, margins: tuple[float, float]
) -> None:
    narrow, wide = sorted(margins)
    if narrow < 1e-9 <= wide and gain.wins is not None:
        return  # the exact test, of zero to nine digits, is another one than the score test of a margin
    assert p_value(gain, -wide) <= p_value(gain, -narrow) + 1e-12


@settings(max_examples=150, deadline=None)
@given(gate=gates, contenders=fields(), has_champion=st.booleans())
def test_the_decision_names_its_winner_and_says_why(
    gate: Gate, contenders: list[Contender], has_champion: bool
) -> None:
    decision, name = decide(gate, contenders, has_champion=has_champion)
    assert (decision.action is Action.PROMOTE) == (name is not None)
    assert len(decision.reasons) == (len(contenders) if has_champion else 1)
    assert all(isinstance(value, float) for value in decision.evidence.values())
    if name is not None:
        winner = next(contender for contender in contenders if contender.candidate == name)
        assert name in decision.reasons[0]
        if has_champion and not winner.same_candidate:
            assert winner.gain is not None
            assert winner.gain.mean_gain >= gate.min_gain
            assert decision.evidence[f"{name}.p_value"] < gate.alpha


@settings(max_examples=150, deadline=None)
@given(gain=counts())
def test_a_p_value_is_a_chance(gain: PairedLoss) -> None:
    for above in (0.0, -0.02, -0.3):
        assert 0.0 <= p_value(gain, above) <= 1.0
    if gain.wins == gain.losses:
        assert p_value(gain) >= 0.5
    assert p_value(gain) == pytest.approx(p_value(replace(gain, standard_error=9.0)))
