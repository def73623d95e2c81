"""The domain classifier: its area, its level without drift, and the changes that only it can see."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from heliotrope.config import DomainClassifier
from heliotrope.drift.domain_classifier import area, measure
from heliotrope.drift.reading import Reading
from heliotrope.drift.sample import Floats, read

Generator = np.random.Generator


def reading(reference: pa.Table, current: pa.Table, detector: DomainClassifier | None = None, seed: int = 0) -> Reading:
    (one,) = readings(reference, current, detector, seed)
    return one


def readings(
    reference: pa.Table, current: pa.Table, detector: DomainClassifier | None = None, seed: int = 0
) -> tuple[Reading, ...]:
    sample = read(
        reference,
        current,
        features={
            name: "categorical" if pa.types.is_string(reference.schema.field(name).type) else "numeric"
            for name in reference.column_names
        },
        target=None,
        max_rows=10**9,
        seed=seed,
    )
    return measure(detector or DomainClassifier(), sample, seed)


def table(values: Floats) -> pa.Table:
    return pa.table({f"x{number}": values[:, number] for number in range(values.shape[1])})


def cloud(random: Generator, rows: int, columns: int = 2) -> Floats:
    return random.normal(size=(rows, columns))


def clusters(random: Generator, rows: int, angle: float) -> Floats:
    """Three clusters about a common centre, turned by an angle."""
    turns = angle + 2 * math.pi * random.integers(0, 3, rows) / 3
    return math.sqrt(6) * np.column_stack([np.cos(turns), np.sin(turns)]) + cloud(random, rows)


def turned(values: Floats, angle: float) -> Floats:
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(values @ np.array([[c, s], [-s, c]]))


CHANGES: dict[str, tuple[Callable[[Generator, int], Floats], Callable[[Generator, int], Floats]]] = {
    "a shift of the mean": (cloud, lambda random, rows: cloud(random, rows) + 0.6),
    "a larger variance": (cloud, lambda random, rows: cloud(random, rows) * 1.6),
    "a smaller variance": (cloud, lambda random, rows: cloud(random, rows) * 0.6),
    "a correlation": (cloud, lambda random, rows: cloud(random, rows) @ np.array([[1.0, 0.7], [0.0, 0.714]])),
    "a rotated ellipse": (
        lambda random, rows: cloud(random, rows) * [2.0, 1.0],
        lambda random, rows: turned(cloud(random, rows) * [2.0, 1.0], math.pi / 4),
    ),
    "three clusters turned": (
        lambda random, rows: clusters(random, rows, 0.0),
        lambda random, rows: clusters(random, rows, math.pi / 6),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_sees(change: str) -> None:
    before, after = CHANGES[change]
    random = np.random.default_rng(7)
    for _ in range(3):
        one = reading(table(before(random, 1800)), table(after(random, 600)))
        assert one.large
        assert one.p_value is not None
        assert one.p_value < 1e-6


def test_it_sees_a_correlation_among_many_features_that_no_single_one_shows() -> None:
    random = np.random.default_rng(0)
    after = cloud(random, 900, 10)
    after[:, 1] = 0.9 * after[:, 0] + math.sqrt(0.19) * after[:, 1]
    one = reading(table(cloud(random, 2000, 10)), table(after))
    assert one.large
    assert one.p_value is not None
    assert one.p_value < 1e-6


@pytest.mark.parametrize(("rows", "columns"), [((300, 100), 2), ((40, 12), 2), ((400, 150), 8)])
def test_without_drift_its_level_holds(rows: tuple[int, int], columns: int) -> None:
    random = np.random.default_rng(11)
    p_values = []
    for seed in range(300):
        one = reading(table(cloud(random, rows[0], columns)), table(cloud(random, rows[1], columns)), seed=seed)
        p_values.append(one.p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.07
    assert np.mean(np.array(p_values) < 0.01) < 0.02


def test_a_small_change_that_is_certain_is_not_large() -> None:
    random = np.random.default_rng(0)
    one = reading(table(cloud(random, 20_000)), table(cloud(random, 20_000) + 0.15), DomainClassifier(max_rows=20_000))
    assert one.p_value is not None
    assert one.p_value < 1e-6
    assert 0.53 < one.statistic < 0.6
    assert not one.large


def test_the_area_and_its_p_value_agree_with_scipy() -> None:
    random = np.random.default_rng(0)
    reference, current = random.integers(0, 20, 90).astype(float), random.integers(2, 22, 40).astype(float)
    expected = stats.mannwhitneyu(current, reference, alternative="greater", method="asymptotic")
    statistic, p_value = area(reference, current)
    assert statistic == pytest.approx(expected.statistic / (90 * 40))
    assert p_value == pytest.approx(expected.pvalue)


def test_scores_that_are_all_alike_tell_nothing() -> None:
    assert area(np.zeros(5), np.zeros(7)) == (0.5, 1.0)


def test_categories_missing_values_and_bools_are_seen() -> None:
    random = np.random.default_rng(0)
    plain = pa.table({"x": random.normal(size=600), "c": ["a", "b", "c"] * 200, "b": random.random(600) < 0.5})
    for name, changed in {
        "c": ["a", "a", "new"] * 200,
        "x": np.where(random.random(600) < 0.4, np.nan, random.normal(size=600)),
        "b": random.random(600) < 0.95,
    }.items():
        after = plain.set_column(plain.column_names.index(name), name, pa.array(changed))
        assert reading(plain, after).large, name
    assert not reading(plain, plain).large


def test_outliers_neither_hide_a_change_nor_break_it() -> None:
    random = np.random.default_rng(0)
    before, after = cloud(random, 900), cloud(random, 900) + 0.7
    before[:5] = 1e300
    after[:5, 0] = np.inf
    assert reading(table(before), table(after)).large


def test_constant_columns_tell_nothing() -> None:
    same = pa.table({"x": [1.0] * 50, "y": pa.nulls(50, pa.float64())})
    one = reading(same, same)
    assert (one.statistic, one.p_value, one.large) == (0.5, 1.0, False)


def test_fewer_than_ten_rows_a_side_give_no_reading() -> None:
    random = np.random.default_rng(0)
    many = table(cloud(random, 100))
    assert readings(many, many.slice(0, 9)) == readings(many.slice(0, 1), many) == ()
    assert readings(many, many, DomainClassifier(max_rows=9)) == ()
    assert len(readings(many, many.slice(0, 10))) == 1


def test_the_same_seed_gives_the_same_reading_and_the_order_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(0)
    before, after = table(cloud(random, 3000)), table(cloud(random, 500))
    shuffled = before.take(pa.array(random.permutation(3000)))
    detector = DomainClassifier(max_rows=400)
    assert reading(before, after, detector) == reading(before, after, detector)
    assert reading(before, after, detector) == reading(shuffled, after, detector)
    assert reading(before, after, detector, seed=1) != reading(before, after, detector)


def test_hundreds_of_features_are_no_hindrance() -> None:
    random = np.random.default_rng(0)
    before, after = cloud(random, 300, 150), cloud(random, 200, 150)
    after[:, 3] += 3.0
    assert reading(table(before), table(after)).large
