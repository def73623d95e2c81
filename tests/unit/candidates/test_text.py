"""Texts of many values as numbers: what they tell stays, what is kept of them is small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from heliotrope.candidates import artifact
from heliotrope.candidates.model import Model
from heliotrope.candidates.text import TextEncoder
from heliotrope.config import parse

CLASSES = np.array(["shop", "news", "mail"])


def fitted(estimator: str, texts: Any, labels: Any) -> Model:
    pipeline = parse(
        {
            "name": "p",
            "source": {"table": "t", "time": "at"},
            "interval": "1h",
            "features": ["url"],
            "target": "class",
            "candidates": [{"name": "c", "estimator": estimator}],
        }
    )
    table = pa.table({"url": texts, "class": labels})
    kinds: Any = {"url": "categorical"}
    return Model.fit(pipeline.candidates[0], table, pipeline=pipeline, kinds=kinds, weights=None, seed=0)


def paths(seed: int, rows: int = 900) -> tuple[list[str], Any]:
    """Texts of which no two are the same, and the class that their beginning tells."""
    rng = np.random.default_rng(seed)
    labels = CLASSES[rng.integers(0, 3, rows)]
    return [
        f"/{label}/{number:08x}" for label, number in zip(labels, rng.integers(0, 2**31, rows), strict=True)
    ], labels


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.tree.DecisionTreeClassifier",
        "sklearn.linear_model.LogisticRegression",
        "sklearn.ensemble.HistGradientBoostingClassifier",
    ],
)
def test_a_class_told_by_the_beginning_of_texts_that_are_all_different_is_learnt(estimator: str) -> None:
    model = fitted(estimator, *paths(0))
    texts, labels = paths(1)
    assert (model.predict(pa.table({"url": texts})) == labels).mean() > 0.9


def test_a_model_file_does_not_grow_with_the_texts() -> None:
    rng = np.random.default_rng(0)
    few, many = (
        artifact.dump(
            fitted(
                "sklearn.linear_model.LogisticRegression",
                [f"{number:0{length}x}" for number in rng.integers(0, 2**62, 600)],
                CLASSES[np.arange(600) % 3],
            )
        )
        for length in (16, 200)
    )
    assert len(many) < 1.1 * len(few) < 2_000_000


@pytest.mark.parametrize(
    "texts",
    [["a"] * 50, [""] * 50, [None, *["x"] * 49], [f"{one}" for one in range(50)], ["가나다라", "마바사"] * 25],
    ids=["one", "empty", "a null", "short", "Korean"],
)
def test_any_texts_give_finite_numbers_for_any_others(texts: list[str | None]) -> None:
    encoder = TextEncoder(random_state=0)
    column = pd.Series(texts, name="t", dtype="str")
    learnt = encoder.fit_transform(column)
    assert list(learnt.columns) == encoder.get_feature_names_out()
    for others in (column, pd.Series(["never seen", None, ""], name="t", dtype="str", index=[7, 8, 9])):
        found = encoder.transform(others)
        assert found.shape == (len(others), learnt.shape[1])
        assert list(found.index) == list(others.index)
        assert np.isfinite(found.to_numpy()).all()


def test_the_same_seed_gives_the_same_numbers() -> None:
    column = pd.Series(paths(0)[0], name="t", dtype="str")
    one, other = (TextEncoder(random_state=3).fit_transform(column) for _ in range(2))
    assert one.equals(other)
