"""A pipeline is checked whole, and what is wrong is said with its place, its value and the remedy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heliotrope import config
from heliotrope.errors import ConfigError

GOOD: dict[str, Any] = {
    "name": "clicks",
    "source": {"table": "events", "time": "at"},
    "interval": "1h",
    "features": ["x", "y"],
    "target": "class",
    "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
}


def test_what_is_left_out_has_a_default() -> None:
    pipeline = config.parse(GOOD)
    assert pipeline.interval == timedelta(hours=1)
    assert pipeline.metric == "accuracy"
    assert pipeline.columns == ("at", "x", "y", "class")
    assert pipeline.trigger == config.Schedule(every=1)
    assert not pipeline.lower_is_better


def test_a_regression_is_judged_by_absolute_error_unless_said_otherwise() -> None:
    pipeline = config.parse({**GOOD, "task": "regression"})
    assert pipeline.metric == "mae"
    assert pipeline.lower_is_better


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"intervall": "1h"}, "intervall: unknown key; did you mean 'interval'?"),
        ({"interval": 3}, "interval: 3 is not a length of time; write 15m, 1h, 1d or 1w"),
        ({"interval": "1 fortnight"}, "interval: interval '1 fortnight' is not a length of time"),
        ({"source": {"table": "t"}}, "source.time: missing; every pipeline needs it"),
        ({"source": {"tabel": "t", "time": "at"}}, "source.tabel: unknown key; did you mean 'table'?"),
        ({"name": "no spaces"}, "name: 'no spaces' is not a name; begin with a letter or digit"),
        ({"name": 5}, "name: input should be a valid string, not 5"),
        ({"features": []}, "features is empty; name at least one column"),
        ({"features": ["x", "x"]}, "features: 'x' is listed twice; remove one"),
        ({"features": ["x", "class"]}, "'class' is the target or the time and cannot be a feature too"),
        ({"features": {"x": "number"}}, "features.x: input should be 'auto', 'numeric' or 'categorical', not 'number'"),
        ({"metric": "acuracy"}, "metric 'acuracy' is not one for classification; did you mean 'accuracy'?"),
        ({"metric": "mae"}, "metric 'mae' is not one for classification"),
        ({"task": "regression", "classes": ["a"]}, "classes belong to a classification"),
        ({"candidates": []}, "candidates: tuple should have at least 1 item"),
        ({"candidates": GOOD["candidates"] * 2}, "candidate 'tree' is declared twice; rename one"),
        ({"candidates": [{"name": "a", "estimator": "tree"}]}, "candidates.0.estimator: 'tree' is not an import path"),
        ({"trigger": {"kind": "schedul"}}, "trigger.kind: 'schedul' is no kind; did you mean 'schedule'?"),
        ({"trigger": {"every": 2}}, "trigger.kind: missing; say which kind it is"),
        ({"trigger": {"kind": "schedule", "every": True}}, "trigger.schedule.every: input should be a valid integer"),
        ({"trigger": {"kind": "schedule", "every": "3"}}, "trigger.schedule.every: input should be a valid integer"),
        ({"trigger": {"kind": "performance", "m": 3, "n": 2}}, "m = 3 of the last n = 2 can never hold"),
        (
            {"trigger": {"kind": "any", "of": [{"kind": "drift", "at_leas": 1}]}},
            "trigger.any.of.0.drift.at_leas: unknown key; did you mean 'at_least'?",
        ),
        ({"gate": {"alpha": 2}}, "gate.alpha: input should be less than 1, not 2"),
        ({"validation": {"on_null": "dropp"}}, "validation.on_null: input should be 'drop', 'hold', 'fail' or 'allow'"),
        ({"dataset": {"kind": "file", "start": "2026-01-01"}}, "start and step belong together"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_remedy(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({**GOOD, **change}, where="clicks.yaml")
    assert str(caught.value).startswith("clicks.yaml: ")
    assert said in str(caught.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({**GOOD, "intervall": "1h", "gate": {"alpha": 2}})
    assert len(str(caught.value).splitlines()) == 2


def test_only_what_can_change_a_result_changes_the_fingerprint() -> None:
    plain = config.parse(GOOD).fingerprint()
    assert config.parse({**GOOD, "report": {"pictures": False}}).fingerprint() == plain
    assert config.parse({**GOOD, "registry": "none"}).fingerprint() == plain
    assert config.parse({**GOOD, "seed": 1}).fingerprint() != plain


def test_a_declaration_survives_json() -> None:
    pipeline = config.parse({**GOOD, "candidates": [{**GOOD["candidates"][0], "window": {"kind": "expanding"}}]})
    assert config.parse(pipeline.model_dump(mode="json")) == pipeline


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clicks.yaml"
    path.write_text(
        "name: clicks\nsource: {table: events, time: at}\ninterval: 1h\nfeatures: [x, y]\ntarget: class\n"
        "candidates:\n- {name: tree, estimator: sklearn.tree.DecisionTreeClassifier}\n"
        "dataset: {kind: stream, start: 2026-11-01, intervals: 3}\n"
    )
    assert config.load(path).name == "clicks"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read"):
        config.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "\ud800"}, "target: '\\ud800' has half a character in it; remove it"),
        ({"target": "a\0b"}, "target: 'a\\x00b' has a NUL in it; remove it"),
        ({"features": {"\udc00": "auto"}}, "features: '\\udc00' has half a character in it"),
        ({"seed": 10**5000}, "seed: a whole number of more than 64 bits"),
        ({"report": {"best_possible": float("inf")}}, "report.best_possible: inf is not a finite number"),
        (
            {"candidates": [{"name": "a", "estimator": "a.B", "params": {"c": [float("nan")]}}]},
            "candidates.0.params.c.0: nan",
        ),
        ({"interval": "9" * 5000 + "w"}, "interval: "),
        ({"target": "x" * 100_000}, "target: string should have at most 63 characters"),
        ({"x" * 100_000: 1}, "unknown key"),
        ({"features": {f"x{i}": "number" for i in range(20_000)}}, "more of this kind"),
    ],
)
def test_what_no_record_can_hold_is_refused_in_a_few_words(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({**GOOD, **change})
    assert said in str(caught.value)
    assert len(str(caught.value)) < 3000


def test_what_stands_in_itself_is_refused() -> None:
    params: dict[str, Any] = {}
    params["again"] = params
    with pytest.raises(ConfigError, match="more than 64 lists and mappings in each other"):
        config.parse({**GOOD, "candidates": [{"name": "a", "estimator": "a.B", "params": params}]})
