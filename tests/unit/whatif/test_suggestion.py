"""The pipeline's file that is recommended."""

from __future__ import annotations

from pathlib import Path

import yaml

import world
from heliotrope import config
from heliotrope.whatif.suggestion import changes, text
from unit.whatif import sample


def test_the_file_is_the_declared_pipeline_with_the_chosen_parts(tmp_path: Path) -> None:
    trial = sample.trial(means=(0.95, 0.96, 0.9599, 0.9, 0.7))
    file = tmp_path / "best.yaml"
    file.write_text(text(world.pipeline(), trial), encoding="utf-8")
    assert config.load(file) == trial.verdict.recommended.policy.pipeline
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert said["trigger"] == {"kind": "schedule", "every": 2}
    assert [one["name"] for one in said["candidates"]] == ["tree"]
    assert "gate" not in said
    assert said["registry"] == "none"


def test_the_figures_and_what_they_are_worth_are_a_comment() -> None:
    lines = [line for line in text(world.pipeline(), sample.trial()).splitlines() if line.startswith("#")]
    comment = " ".join(line.removeprefix("# ") for line in lines)
    assert "5 policies over 40 scored intervals" in comment
    assert "the luckiest" in comment
    assert all(len(line) <= 120 for line in lines)


def test_a_window_of_another_kind_is_written_whole() -> None:
    declared = world.pipeline()
    window = {"kind": "expanding", "start": None, "max_intervals": 100_000}
    candidates = [one | {"window": window} for one in world.PIPELINE["candidates"]]
    found = changes(declared, world.pipeline(candidates=candidates))
    assert found["candidates"][0]["window"] == {"kind": "expanding", "max_intervals": 100_000}
    assert changes(declared, declared) == {}
