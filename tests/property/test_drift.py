"""What must hold of every detector whatever the rows: symmetry, bounds, order, and no crash on odd columns."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope import config
from heliotrope.drift import measure
from heliotrope.drift.chi_square import homogeneity
from heliotrope.drift.correction import correct
from heliotrope.drift.domain_classifier import area
from heliotrope.drift.kolmogorov_smirnov import p_value, statistic
from heliotrope.drift.population_stability import index
from heliotrope.drift.sample import Categories
from heliotrope.records import DriftReport

Kind = Literal["numeric", "categorical"]

few_values = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=1, max_size=30)
any_values = st.lists(st.floats(allow_nan=False), min_size=1, max_size=60)
samples = st.one_of(few_values, any_values)
rows_of_counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=12).filter(
    lambda pairs: any(one for one, _ in pairs) and any(other for _, other in pairs)
)
p_values = st.lists(st.floats(0.0, 1.0), max_size=30)


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.Array, pa.Array, Kind]:
    """One column on both sides, of one of the types a table may have, with or without nulls, or all null."""
    kinds: dict[str, tuple[st.SearchStrategy[object], pa.DataType, Kind]] = {
        "float": (st.floats(), pa.float64(), "numeric"),
        "few floats": (st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf]), pa.float64(), "numeric"),
        "int": (st.integers(-(2**63), 2**63 - 1), pa.int64(), "numeric"),
        "bool": (st.booleans(), pa.bool_(), "numeric"),
        "bool category": (st.booleans(), pa.bool_(), "categorical"),
        "text": (st.text(max_size=3), pa.string(), "categorical"),
        "few texts": (st.sampled_from(["a", "b", "'; --", "서울"]), pa.string(), "categorical"),
        "int category": (st.integers(0, 3), pa.int32(), "categorical"),
        "nothing": (st.none(), pa.null(), "numeric"),
    }
    values, type_, kind = kinds[draw(st.sampled_from(sorted(kinds)))]
    sides = []
    for _ in range(2):
        drawn = draw(st.lists(st.one_of(values, st.none()), min_size=1, max_size=40))
        side = pa.array(drawn, type_)
        sides.append(side.dictionary_encode() if kind == "categorical" and draw(st.booleans()) else side)
    return sides[0], sides[1], kind


def measured(
    before: pa.Table, after: pa.Table, kind: Kind, drift: config.Drift | None = None
) -> tuple[DriftReport, ...]:
    return measure(
        drift or config.Drift(),
        before,
        after,
        features={"x": kind},
        target="t",
        task="classification",
        seed=0,
    )


def tables(before: pa.Array, after: pa.Array) -> tuple[pa.Table, pa.Table]:
    first, second = (
        pa.table({"x": side, "t": [["A", "B", None][row % 3] for row in range(len(side))]}) for side in (before, after)
    )
    return first, second


@given(samples, samples)
def test_kolmogorov_smirnov_is_symmetric_and_between_nought_and_one(first: list[float], second: list[float]) -> None:
    one, other = np.sort(first), np.sort(second)
    assert statistic(one, other) == statistic(other, one)
    assert 0.0 <= statistic(one, other) <= 1.0
    distance = statistic(one, other)
    assert p_value(distance, len(one), len(other)) == p_value(distance, len(other), len(one))
    assert 0.0 <= p_value(distance, len(one), len(other)) <= 1.0


@given(samples, samples)
def test_kolmogorov_smirnov_is_the_largest_difference_of_shares(first: list[float], second: list[float]) -> None:
    by_definition = max(
        abs(sum(one <= at for one in first) / len(first) - sum(one <= at for one in second) / len(second))
        for at in first + second
    )
    assert statistic(np.sort(first), np.sort(second)) == pytest.approx(by_definition, abs=1e-12)


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_larger_distance_is_never_less_certain(first: int, second: int, one: float, other: float) -> None:
    near, far = sorted([one, other])
    assert p_value(far, first, second) <= p_value(near, first, second) + 2e-6


@given(rows_of_counts)
def test_chi_square_and_the_index_are_symmetric(counts: list[tuple[int, int]]) -> None:
    codes = np.arange(len(counts))
    first, second = (np.repeat(codes, [pair[side] for pair in counts]) for side in (0, 1))
    there, back = Categories(first, second, len(counts)).pooled, Categories(second, first, len(counts)).pooled
    assert homogeneity(*there) == pytest.approx(homogeneity(*back))
    assert index(*there) == pytest.approx(index(*back))
    assert homogeneity(*there)[0] >= 0.0
    assert 0.0 <= homogeneity(*there)[1] <= 1.0
    assert index(*there) >= 0.0


@given(rows_of_counts)
def test_pooling_loses_no_row(counts: list[tuple[int, int]]) -> None:
    codes = np.arange(len(counts))
    first, second = (np.repeat(codes, [pair[side] for pair in counts]) for side in (0, 1))
    reference, current = Categories(first, second, len(counts)).pooled
    assert (reference.sum(), current.sum()) == (len(first), len(second))
    expected = (reference + current) * min(len(first), len(second)) / (len(first) + len(second))
    assert len(expected) == 1 or expected.min() >= 5.0 - 1e-9


@given(samples, samples)
def test_the_area_the_other_way_round_is_the_rest(first: list[float], second: list[float]) -> None:
    one, other = np.array(first), np.array(second)
    there, p_there = area(one, other)
    back, p_back = area(other, one)
    assert there + back == pytest.approx(1.0)
    assert 0.0 <= there <= 1.0
    assert 0.0 <= p_there <= 1.0
    assert p_there + p_back >= 1.0 - 1e-9


@given(p_values, st.sampled_from(["holm", "benjamini_hochberg", "none"]))
def test_correction_keeps_the_order_and_never_lowers(
    given_p: list[float], method: Literal["holm", "benjamini_hochberg", "none"]
) -> None:
    adjusted = correct(given_p, method)
    assert len(adjusted) == len(given_p)
    assert all(raw * (1.0 - 1e-12) <= new <= 1.0 for raw, new in zip(given_p, adjusted, strict=True))
    order = np.argsort(given_p, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0.0)


@given(p_values)
def test_holm_is_never_less_strict_than_benjamini_hochberg(given_p: list[float]) -> None:
    strict, lenient = correct(given_p, "holm"), correct(given_p, "benjamini_hochberg")
    assert all(one >= other * (1.0 - 1e-12) for one, other in zip(strict, lenient, strict=True))


@settings(deadline=None)
@given(columns())
def test_no_odd_column_breaks_a_detector(column: tuple[pa.Array, pa.Array, Kind]) -> None:
    before, after, kind = column
    for report in measured(*tables(before, after), kind):
        for one in report.features:
            assert math.isfinite(one.statistic)
            assert one.statistic >= 0.0
            assert one.p_value is None or 0.0 <= one.p_value <= 1.0
            if report.detector in ("kolmogorov_smirnov", "domain_classifier"):
                assert one.statistic <= 1.0


@settings(deadline=None, max_examples=50)
@given(columns(), st.randoms(use_true_random=False), st.integers(1, 40))
def test_the_order_of_rows_never_matters(column: tuple[pa.Array, pa.Array, Kind], order: object, most: int) -> None:
    before, after, kind = column
    first, second = tables(before, after)
    drift = config.Drift(max_rows=most)
    turned = []
    for table in (first, second):
        rows = list(range(table.num_rows))
        order.shuffle(rows)  # type: ignore[attr-defined]  # a random.Random, which Hypothesis does not type
        turned.append(table.take(pa.array(rows)))
    assert measured(first, second, kind, drift) == measured(turned[0], turned[1], kind, drift)


@settings(deadline=None, max_examples=50)
@given(columns())
def test_a_table_does_not_drift_from_itself(column: tuple[pa.Array, pa.Array, Kind]) -> None:
    before, _, kind = column
    rows, _ = tables(before, before)
    for report in measured(rows, rows, kind):
        assert not report.drifted
        if report.detector != "domain_classifier":
            assert all(one.statistic == pytest.approx(0.0, abs=1e-12) for one in report.features)
