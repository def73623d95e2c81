"""Grids: which policies they come to, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import world
from heliotrope.errors import ConfigError
from heliotrope.whatif import grid


def made(**parts: Any) -> list[str]:
    rest = {"candidates": ["all"], "windows": ["declared"], "triggers": ["declared"], "gates": ["declared"]}
    return [one.name for one in grid.policies(world.pipeline(), rest | parts)]


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "grid.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        grid.load(file, world.pipeline())
    return str(caught.value).replace(str(file), "grid.yaml")


def test_the_declared_pipeline_is_the_first_policy_and_there_once() -> None:
    found = grid.policies(world.pipeline(), grid.default(world.pipeline()))
    assert found[0].declared
    assert found[0].pipeline == world.pipeline()
    assert sum(one.declared for one in found) == 1
    assert len({one.pipeline.fingerprint() for one in found}) == len(found)


def test_the_default_tries_each_candidate_alone_and_all_together_on_every_window_and_trigger() -> None:
    found = grid.policies(world.pipeline(), grid.default(world.pipeline()))
    assert {one.candidates for one in found} == {"extrapolated", "tree", "extrapolated + tree"}
    assert {one.window for one in found} == {"sliding 3", "sliding 1", "sliding 6", "expanding", "decayed 3"}
    assert {"every 8", "drift", "drift or performance"} <= {one.trigger for one in found}
    assert len(found) == 3 * 5 * 7


def test_a_regression_is_not_given_a_margin_in_a_unit_that_nobody_told() -> None:
    regression = world.pipeline(task="regression")
    assert all("performance" not in str(one) for one in grid.default(regression)["triggers"])


def test_half_and_double_change_every_candidate_s_own_window() -> None:
    declared = world.pipeline(
        candidates=[
            world.PIPELINE["candidates"][0] | {"window": {"kind": "sliding", "intervals": 5}},
            world.PIPELINE["candidates"][1] | {"window": {"kind": "decayed", "half_life": 4.0, "intervals": 1}},
        ]
    )
    parts = {"candidates": ["all"], "triggers": ["declared"], "gates": ["declared"]}
    half = grid.policies(declared, parts | {"windows": ["half"]})[1].pipeline
    assert [one.window.model_dump(exclude_unset=True) for one in half.candidates] == [
        {"kind": "sliding", "intervals": 2},
        {"kind": "decayed", "half_life": 2.0, "intervals": 1},
    ]


def test_what_comes_to_the_same_is_one_policy() -> None:
    assert made(candidates=["all", ["tree", "extrapolated"]], triggers=["declared", {"kind": "schedule"}]) == made()


def test_parts_that_a_file_leaves_out_are_the_default_s(tmp_path: Path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(
        "triggers: [declared, {kind: schedule, every: 3}]\ncandidates: [tree]\n"
        "gates: [declared, {kind: holdout, alpha: 0.2}]\n",
        encoding="utf-8",
    )
    found = grid.load(file, world.pipeline())
    assert len(found) == 1 + 5 * 2 * 2
    assert {one.gate for one in found} == {"declared", "holdout alpha 0.2"}
    assert {one.window for one in found if not one.declared} == {
        "sliding 3", "sliding 1", "sliding 6", "expanding", "decayed 3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trigers: [declared]", "grid.yaml:1: trigers: unknown key; did you mean 'triggers'?"),
        ("candidates: [[tree, extrapolatd]]", "'extrapolatd' is none that can be tried; did you mean 'extrapolated'?"),
        (
            "windows: [declared, dubble]",
            "grid.yaml:1: windows: 'dubble' is none that can be tried; did you mean 'double'?",
        ),
        (
            "windows:\n- declared\n- {kind: slidin}",
            "grid.yaml:3: candidates.0.window.kind: 'slidin' is no kind; did you",
        ),
        ("triggers: [{kind: schedule, evry: 2}]", "trigger.schedule.evry: unknown key; did you mean 'every'?"),
        ("triggers: declared", "triggers: 'declared' is no list of what to try"),
        ("gates: []", "gates: [] is no list of what to try"),
        ("gates: [{alpha: 2.0, kind: holdout}]", "gate"),
        ("windows: [[1]]", "[1] is none that can be tried"),
        ("candidates: [3]", "candidates: 3 is none that can be tried"),
    ],
)
def test_what_is_wrong_with_a_grid_is_said_with_its_place_and_the_nearest_name(
    text: str, said: str, tmp_path: Path
) -> None:
    assert said in refused(tmp_path, text)


def test_more_policies_than_anyone_reads_are_refused(tmp_path: Path) -> None:
    triggers = ", ".join(f"{{kind: schedule, every: {every}}}" for every in range(1, 400))
    assert "more than 2,000 at once" in refused(tmp_path, f"triggers: [{triggers}]")
