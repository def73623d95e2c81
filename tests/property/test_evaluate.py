"""Metrics agree with scikit-learn's to 1e-12, whatever the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from heliotrope.evaluate import paired, score

KNOWN = ("A", "B", "C", "나")
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 200)
# scikit-learn warns of predicted classes that do not occur and of kappa or AUC without a spread; we leave those out.
quiet = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


def drawn(rng: np.random.Generator, rows: int, classes: tuple[str, ...]) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """Labels, predictions that are often right, and probabilities with ties, zeros and ones among them."""
    names = np.array(classes, dtype=object)
    actual = names[rng.integers(len(classes), size=rows)]
    predicted = np.where(rng.random(rows) < rng.random(), actual, names[rng.integers(len(classes), size=rows)])
    proba = rng.multinomial(8, rng.dirichlet(np.ones(len(classes))), size=rows) / 8
    return actual, predicted, proba


@quiet
@settings(max_examples=60, deadline=None)
@given(seed=seeds, rows=sizes, kinds=st.integers(2, 4))
def test_classification_metrics_are_those_of_scikit_learn(seed: int, rows: int, kinds: int) -> None:
    classes = KNOWN[:kinds]
    actual, predicted, proba = drawn(np.random.default_rng(seed), rows, classes)
    found = score(
        task="classification", metric="accuracy", actual=actual, predicted=predicted, proba=proba, classes=classes
    ).metrics
    expected = {
        "accuracy": sk.accuracy_score(actual, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, predicted),
        "log_loss": sk.log_loss(actual, proba, labels=list(classes)),
        "brier": sk.brier_score_loss(actual, proba, labels=list(classes), scale_by_half=True)
        if kinds > 2
        else sk.brier_score_loss(actual == classes[1], proba[:, 1]),
    }
    if len(set(actual) | set(predicted)) > 1:
        expected["kappa"] = sk.cohen_kappa_score(actual, predicted)
    if kinds == 2 and len(set(actual)) == 2:
        expected["roc_auc"] = sk.roc_auc_score(actual == classes[1], proba[:, 1])
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, rows=sizes, magnitude=st.sampled_from([1e-6, 1.0, 1e6]))
def test_regression_metrics_are_those_of_scikit_learn(seed: int, rows: int, magnitude: float) -> None:
    rng = np.random.default_rng(seed)
    actual = rng.normal(size=rows) * magnitude
    predicted = actual + rng.normal(size=rows) * magnitude
    found = score(task="regression", metric="mae", actual=actual, predicted=predicted, proba=None, classes=()).metrics
    assert found == pytest.approx(
        {
            "mae": sk.mean_absolute_error(actual, predicted),
            "rmse": sk.root_mean_squared_error(actual, predicted),
            "r2": sk.r2_score(actual, predicted),
        },
        rel=1e-12,
        abs=1e-18,
    )


@settings(max_examples=60, deadline=None)
@given(seed=seeds, rows=sizes, metric=st.sampled_from(["accuracy", "balanced_accuracy", "log_loss", "brier"]))
def test_the_mean_loss_follows_the_metric(seed: int, rows: int, metric: str) -> None:
    actual, predicted, proba = drawn(np.random.default_rng(seed), rows, KNOWN)
    scored = score(task="classification", metric=metric, actual=actual, predicted=predicted, proba=proba, classes=KNOWN)
    value = scored.metrics[metric]
    expected = 1.0 - value if metric.endswith("accuracy") else value
    assert scored.loss.shape == (rows,)
    assert (scored.loss >= 0.0).all()
    assert scored.loss.mean() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, rows=sizes)
def test_scores_do_not_depend_on_the_order_of_rows(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    actual, predicted, proba = drawn(rng, rows, KNOWN[:2])
    order = rng.permutation(rows)
    one, other = (
        score(
            task="classification",
            metric="log_loss",
            actual=actual[places],
            predicted=predicted[places],
            proba=proba[places],
            classes=KNOWN[:2],
        )
        for places in (np.arange(rows), order)
    )
    assert one.metrics == pytest.approx(other.metrics, rel=1e-12, abs=1e-12)
    assert one.loss[order].tolist() == other.loss.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=seeds, rows=sizes, counted=st.booleans())
def test_swapping_the_models_turns_the_gain_around(seed: int, rows: int, counted: bool) -> None:
    rng = np.random.default_rng(seed)
    champion, challenger = rng.random((2, rows))
    if counted:
        champion, challenger = np.round(champion), np.round(challenger)
    there, back = paired(champion, challenger), paired(challenger, champion)
    assert there.mean_gain == pytest.approx(-back.mean_gain)
    assert there.standard_error == pytest.approx(back.standard_error)
    assert (there.wins, there.losses) == (back.losses, back.wins)
    if counted:
        assert there.wins is not None
        assert there.losses is not None
        assert there.mean_gain == pytest.approx((there.wins - there.losses) / rows)
