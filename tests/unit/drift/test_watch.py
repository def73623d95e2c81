"""The watch's promise on streams of counts: rare false alarms, sudden changes found once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.drift.scale import Scale
from heliotrope.drift.watch import compare


def alarms(
    seed: int, intervals: int, *, change: int | None = None, swing: float = 0.0, one_in: float = 50
) -> list[int]:
    """Where the watch alarms on three normal features, shifted from ``change`` on, each interval off by ``swing``."""
    random = np.random.default_rng(seed)
    scale: Scale | None = None
    history: list[np.ndarray] = []
    eras: list[int] = []
    found: list[int] = []
    for place in range(intervals):
        values = random.normal(0, 1, (150, 3)) + random.normal(0, swing, 3)
        values[:, 0] += 1.2 * (change is not None and place >= change)
        table = pa.table({name: values[:, column] for column, name in enumerate("abc")})
        if scale is None:
            features = dict.fromkeys("abc", "numeric")
            scale = Scale.of(table, features=features, target=None, bins=16, by_class=0)  # type: ignore[arg-type]  # a literal
        counts = scale.count(table)
        report = None
        if history:
            report = compare(
                np.array(history),
                np.array(eras),
                counts,
                scale.distance,
                names=scale.names,
                longest=6,
                one_in=one_in,
                seed=place,
            )
        if report is not None and report.drifted:
            found.append(place)
        history.append(counts)
        eras.append(len(found))
    return found


@pytest.mark.parametrize("swing", [0.0, 0.1])
def test_false_alarms_keep_their_rate_once_there_is_a_history(swing: float) -> None:
    found = [place for seed in range(4) for place in alarms(seed, 200, swing=swing) if place >= 30]
    assert len(found) <= 4 * 170 / 50 + 2 * np.sqrt(4 * 170 / 50)


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_a_sudden_change_is_found_at_once_and_once(seed: int) -> None:
    found = [place for place in alarms(seed, 90, change=70, swing=0.1, one_in=200) if place >= 65]
    assert found[0] in (70, 71)
    assert len(found) == 1


def test_categories_other_values_and_missing_ones_have_places_of_their_own() -> None:
    table = pa.table({"c": ["a", "a", "b", None, "z"], "n": [1.0, None, 2.0, 3.0, 4.0]})
    scale = Scale.of(
        pa.table({"c": ["a", "a", "b"], "n": [1.0, 2.0, 3.0]}),
        features={"c": "categorical", "n": "numeric"},
        target=None,
        bins=4,
        by_class=8,
    )
    counts = dict(zip(scale.names, scale.count(table).astype(int).tolist(), strict=True))
    assert counts["c"] == [2, 1, 0, 1, 1]
    assert sum(counts["n"]) == 5
    assert counts["n"][4] == 1
    assert Scale.parse(scale.plain()) == scale
