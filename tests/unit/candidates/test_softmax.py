"""Both solvers find the same coefficients, and those are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from heliotrope.candidates import softmax

Floats = NDArray[np.float64]


def problem(classes: int = 3, features: int = 4, rows: int = 300) -> tuple[Floats, Floats, Floats, Floats]:
    """design with an intercept, truth, weights and penalty."""
    rng = np.random.default_rng(0)
    design = np.column_stack(
        [np.ones(rows), rng.standard_normal((rows, features)) @ np.diag(np.arange(1.0, features + 1))]
    )
    label = (design @ rng.standard_normal((features + 1, classes)) + rng.gumbel(size=(rows, classes))).argmax(axis=1)
    penalty = np.full(features + 1, 2.0)
    penalty[0] = 1e-6
    return design, np.eye(classes)[label], rng.uniform(0.5, 2.0, rows), penalty


@pytest.mark.parametrize("newton", [0, 10_000])
def test_it_finds_scikit_learns_coefficients(newton: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "_NEWTON", newton)
    design, truth, weights, penalty = problem()
    found = softmax.minimise(design, truth, weights, penalty)
    reference = LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000).fit(design[:, 1:], truth.argmax(axis=1), weights)
    np.testing.assert_allclose(found[1:].T, reference.coef_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        softmax.log_softmax(design @ found), reference.predict_log_proba(design[:, 1:]), atol=1e-4
    )


@pytest.mark.parametrize("newton", [0, 10_000])
def test_the_gradient_is_zero_there_from_any_start(newton: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "_NEWTON", newton)
    design, truth, weights, penalty = problem(classes=2)
    starts = (None, np.full((5, 2), 3.0), np.random.default_rng(1).standard_normal((5, 2)) * 10)
    for start in starts:
        found = softmax.minimise(design, truth, weights, penalty, start)
        share = np.exp(softmax.log_softmax(design @ found))
        gradient = design.T @ (weights[:, None] * (share - truth)) + penalty[:, None] * found
        assert abs(gradient).max() < 1e-3


@pytest.mark.parametrize("newton", [0, 10_000])
def test_classes_that_can_be_told_apart_without_error_do_not_diverge(
    newton: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "_NEWTON", newton)
    design = np.column_stack([np.ones(40), np.repeat([-100.0, 100.0], 20)])
    truth = np.eye(2)[np.repeat([0, 1], 20)]
    found = softmax.minimise(design, truth, np.ones(40), np.array([1e-6, 1.0]))
    assert np.isfinite(found).all()
    assert ((design @ found).argmax(axis=1) == truth.argmax(axis=1)).all()


def test_a_single_class_needs_no_coefficients() -> None:
    found = softmax.minimise(np.ones((5, 1)), np.ones((5, 1)), np.ones(5), np.array([1e-6]))
    assert abs(found).max() < 1e-9


def test_log_softmax_does_not_overflow() -> None:
    assert softmax.log_softmax(np.array([[1e6, 0.0]])).tolist() == [[0.0, -1e6]]
