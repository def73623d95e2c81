"""All detectors together: which reads what, in which order, corrected how, and how often they cry without cause."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from heliotrope import config
from heliotrope.drift import measure
from heliotrope.drift.correction import correct
from heliotrope.records import DriftReport

Kind = Literal["numeric", "categorical"]
KINDS: dict[str, Kind] = {"y": "numeric", "x": "numeric", "c": "categorical"}


def rows(random: np.random.Generator, count: int, mean: float = 0.0) -> pa.Table:
    return pa.table(
        {
            "x": random.normal(mean, 1.0, count),
            "y": random.normal(0.0, 1.0, count),
            "c": random.choice(["red", "green", "blue"], count),
            "class": random.choice(["A", "B"], count),
        }
    )


def reports(
    reference: pa.Table,
    current: pa.Table,
    drift: config.Drift | None = None,
    *,
    task: Literal["classification", "regression"] = "classification",
    features: dict[str, Kind] | None = None,
    seed: int = 0,
) -> tuple[DriftReport, ...]:
    kinds = KINDS if features is None else features
    return measure(drift or config.Drift(), reference, current, features=kinds, target="class", task=task, seed=seed)


def names(report: DriftReport) -> list[str]:
    return [one.feature for one in report.features]


def test_every_detector_reads_what_it_can_in_the_order_declared() -> None:
    random = np.random.default_rng(0)
    found = reports(rows(random, 300), rows(random, 100))
    assert [report.detector for report in found] == [
        "kolmogorov_smirnov",
        "population_stability",
        "chi_square",
        "domain_classifier",
    ]
    assert [names(report) for report in found] == [["y", "x"], ["y", "x", "c"], ["c", "class"], ["*"]]
    assert all((report.reference_rows, report.current_rows) == (300, 100) for report in found)


def test_detectors_come_in_the_order_of_the_config() -> None:
    random = np.random.default_rng(0)
    drift = config.Drift(detectors=(config.ChiSquare(), config.KolmogorovSmirnov(), config.ChiSquare(alpha=0.5)))
    found = reports(rows(random, 300), rows(random, 100), drift)
    assert [report.detector for report in found] == ["chi_square", "kolmogorov_smirnov", "chi_square"]
    assert [report.features[0].threshold for report in found] == [0.01, 0.01, 0.5]


def test_the_target_of_a_regression_is_not_read() -> None:
    random = np.random.default_rng(0)
    found = reports(rows(random, 300), rows(random, 100), task="regression")
    assert names(found[2]) == ["c"]


def test_a_shift_is_found_where_it_is() -> None:
    random = np.random.default_rng(0)
    found = reports(rows(random, 900), rows(random, 300, mean=1.0))
    drifted = {report.detector: [one.feature for one in report.features if one.drifted] for report in found}
    assert drifted == {
        "kolmogorov_smirnov": ["x"],
        "population_stability": ["x"],
        "chi_square": [],
        "domain_classifier": ["*"],
    }


@pytest.mark.parametrize("method", ["holm", "benjamini_hochberg"])
def test_p_values_are_corrected_over_all_features_and_detectors(method: Literal["holm", "benjamini_hochberg"]) -> None:
    random = np.random.default_rng(1)
    before, after = rows(random, 900), rows(random, 300, mean=0.2)
    plain = reports(before, after, config.Drift(correction="none"))
    corrected = reports(before, after, config.Drift(correction=method))
    raw = [one.p_value for report in plain for one in report.features if one.p_value is not None]
    found = [one.p_value for report in corrected for one in report.features if one.p_value is not None]
    assert len(raw) == 5
    assert found == correct(raw, method)


def test_drifted_follows_from_what_the_record_shows() -> None:
    random = np.random.default_rng(2)
    for mean in (0.0, 0.2, 0.5):
        for report in reports(rows(random, 600), rows(random, 200, mean)):
            for one in report.features:
                if one.p_value is None:
                    assert one.drifted == (one.statistic > one.threshold)
                elif report.detector == "domain_classifier":
                    assert one.drifted == (one.p_value < one.threshold and one.statistic > 0.6)
                else:
                    assert one.drifted == (one.p_value < one.threshold)


def test_without_drift_false_alarms_stay_at_or_under_the_level() -> None:
    random = np.random.default_rng(3)
    drift = config.Drift(
        detectors=(
            config.KolmogorovSmirnov(alpha=0.05),
            config.PopulationStability(),
            config.ChiSquare(alpha=0.05),
            config.DomainClassifier(alpha=0.05),
        )
    )
    alarms = [
        any(report.drifted for report in reports(rows(random, 300), rows(random, 100), drift, seed=seed))
        for seed in range(300)
    ]
    assert np.mean(alarms) <= 0.07  # 0.05, and its own uncertainty over 300


def test_the_order_of_rows_does_not_matter_even_where_the_reference_is_sampled() -> None:
    random = np.random.default_rng(4)
    before, after = rows(random, 1000), rows(random, 300)
    drift = config.Drift(max_rows=400)
    turned = before.take(pa.array(np.arange(1000)[::-1])), after.take(pa.array(random.permutation(300)))
    assert reports(before, after, drift) == reports(*turned, drift)
    assert reports(before, after, drift)[0].reference_rows == 400
    assert reports(before, after, drift) != reports(before, after, drift, seed=1)


def test_the_classifiers_report_counts_the_rows_it_used() -> None:
    random = np.random.default_rng(0)
    drift = config.Drift(detectors=(config.DomainClassifier(max_rows=50),))
    (report,) = reports(rows(random, 300), rows(random, 40), drift)
    assert (report.reference_rows, report.current_rows) == (50, 40)


@pytest.mark.parametrize("empty", ["reference", "current", "both"])
def test_an_empty_side_gives_empty_reports(empty: str) -> None:
    full, none = rows(np.random.default_rng(0), 100), pa.table({})
    found = reports(full if empty == "current" else none, full if empty == "reference" else none)
    assert len(found) == 4
    assert not any(report.features or report.drifted for report in found)


def test_without_features_only_the_target_is_read() -> None:
    random = np.random.default_rng(0)
    found = reports(rows(random, 100), rows(random, 100), features={})
    assert [names(report) for report in found] == [[], [], ["class"], []]


@pytest.mark.parametrize("after_rows", [1, 2, 9])
def test_a_handful_of_rows_is_no_drift(after_rows: int) -> None:
    random = np.random.default_rng(0)
    before = rows(random, 300)
    assert not any(report.drifted for report in reports(before, before.slice(10, after_rows)))
    assert not any(report.drifted for report in reports(before.slice(0, 1), before.slice(50, 1)))


def test_a_change_in_the_share_of_missing_values_is_drift_for_every_detector() -> None:
    random = np.random.default_rng(0)
    before, later = rows(random, 900), rows(random, 900)
    gone = random.random(900) < 0.4
    after = pa.table(
        {
            "x": pa.array(later["x"].to_numpy(), mask=gone),
            "y": later["y"],
            "c": pa.array(np.array(later["c"].to_pylist()), mask=gone),
            "class": later["class"],
        }
    )
    found = {
        report.detector: [one.feature for one in report.features if one.drifted] for report in reports(before, after)
    }
    assert found == {
        "kolmogorov_smirnov": ["x"],
        "population_stability": ["x", "c"],
        "chi_square": ["c"],
        "domain_classifier": ["*"],
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1.0] * 60, [1.0] * 30),
        ([None] * 60, [None] * 30),
        ([1, 2, 3] * 20, [1, 2, 3] * 10),
        ([True, False] * 30, [True, False] * 15),
    ],
)
def test_odd_columns_that_do_not_change_do_not_drift(before: list[Any], after: list[Any]) -> None:
    tables = [pa.table({"x": column, "class": ["A"] * len(column)}) for column in (before, after)]
    for kind in ("numeric", "categorical"):
        features: dict[str, Kind] = {"x": "numeric" if kind == "numeric" else "categorical"}
        assert not any(report.drifted for report in reports(tables[0], tables[1], features=features))


def test_measuring_imports_no_heavy_library() -> None:
    program = """
import io, sys
from pyarrow import csv
from heliotrope import config
from heliotrope.drift import measure
lines = "".join(f"{i % 17 if i % 9 else ''},{'abc'[i % 3]}\\n" for i in range(90))
rows = csv.read_csv(io.BytesIO(b"x,t\\n" + lines.encode()))  # pa.table from lists imports pandas
measure(config.Drift(), rows, rows, features={"x": "numeric"}, target="t", task="classification", seed=0)
heavy = {"sklearn", "scipy.stats", "pandas", "matplotlib"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
