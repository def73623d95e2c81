"""Penalised multinomial logistic regression on a prepared matrix: Newton's method, or L-BFGS where it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["log_softmax", "minimise"]

_NEWTON = 64  # up to so many coefficients the matrix of second derivatives is cheap
_NEWTON_OF_TWO = 256  # the same where two classes need one column of them
_ITERATIONS = 200


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities, along the last axis.

    >>> np.exp(log_softmax(np.array([[0.0, np.log(3.0)]]))).round(2)
    array([[0.25, 0.75]])
    """
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def minimise(design: Floats, truth: Floats, weights: Floats, penalty: Floats, start: Floats | None = None) -> Floats:
    """The coefficients B, (D, K), of least ``sum(weights * loss) + sum(penalty * B**2) / 2``.

    ``design`` is (n, D), ``truth`` (n, K) with a 1 at each row's class, ``penalty`` (D,) and positive, ``start`` where
    to begin. The loss of a row is minus the logarithm of the probability that the softmax of ``design @ B`` gives its
    class. All K classes have coefficients; the penalty makes them unique (they sum to 0 over the classes).

    >>> rng = np.random.default_rng(0)
    >>> design = np.column_stack([np.ones(400), rng.normal(size=400)])
    >>> truth = np.eye(2)[(design[:, 1] + rng.logistic(size=400) > 0).astype(int)]
    >>> B = minimise(design, truth, np.ones(400), np.array([1e-6, 1e-6]))
    >>> (B[:, 1] - B[:, 0]).round(1)
    array([0. , 1.3])
    """
    start = np.zeros((design.shape[1], truth.shape[1])) if start is None else start
    if truth.shape[1] == 2 and len(start) <= _NEWTON_OF_TWO:
        half = _logistic(design, truth[:, 1], weights, penalty / 2.0, start[:, 1] - start[:, 0]) / 2.0
        return np.column_stack([-half, half])
    if start.size <= _NEWTON:
        return _newton(design, truth, weights, penalty, start)
    return _lbfgs(design, truth, weights, penalty, start)


def _value(design: Floats, truth: Floats, weights: Floats, penalty: Floats, B: Floats) -> tuple[float, Floats, Floats]:
    """What is minimised, its gradient, and the probabilities at ``B``."""
    log_share = log_softmax(design @ B)
    share = np.exp(log_share)
    value = 0.5 * float(penalty @ (B**2).sum(axis=1)) - float(weights @ (truth * log_share).sum(axis=1))
    gradient = design.T @ (weights[:, None] * (share - truth)) + penalty[:, None] * B
    return value, gradient, share


def _logistic(design: Floats, truth: Floats, weights: Floats, penalty: Floats, b: Floats) -> Floats:
    """The one column that two classes need, the second's less the first's: ``penalty`` is then half of each one's."""

    def value_at(b: Floats) -> tuple[float, Floats]:
        scores = design @ b
        log_odds = np.logaddexp(0.0, scores)
        return 0.5 * float(penalty @ b**2) + float(weights @ (log_odds - truth * scores)), scores

    value, scores = value_at(b)
    for _ in range(_ITERATIONS):
        share = 1.0 / (1.0 + np.exp(-np.clip(scores, -500.0, 500.0)))
        gradient = design.T @ (weights * (share - truth)) + penalty * b
        curvature = design.T @ ((weights * share * (1.0 - share))[:, None] * design)
        curvature[np.diag_indices_from(curvature)] += penalty
        step = np.linalg.solve(curvature, gradient)
        slope = float(step @ gradient)
        if slope < 1e-9 * weights.sum():
            return np.asarray(b - step)
        length = 1.0
        while True:
            there = b - length * step
            next_value, next_scores = value_at(there)
            if next_value <= value - 1e-4 * length * slope or length < 1e-6:
                break
            length /= 2.0
        b, value, scores = there, next_value, next_scores
    return b


def _newton(design: Floats, truth: Floats, weights: Floats, penalty: Floats, B: Floats) -> Floats:
    """Newton's method with step halving; the last step, from where the quadratic model holds, is taken whole."""
    value, gradient, share = _value(design, truth, weights, penalty, B)
    for _ in range(_ITERATIONS):
        step = np.linalg.solve(_curvature(design, weights, penalty, share), gradient.T.ravel())
        step = step.reshape(B.shape[::-1]).T
        slope = float((step * gradient).sum())
        if slope < 1e-9 * weights.sum():
            return B - step
        length = 1.0
        while True:
            there = B - length * step
            next_value, next_gradient, next_share = _value(design, truth, weights, penalty, there)
            if next_value <= value - 1e-4 * length * slope or length < 1e-6:
                break
            length /= 2.0
        B, value, gradient, share = there, next_value, next_gradient, next_share
    return B


def _curvature(design: Floats, weights: Floats, penalty: Floats, share: Floats) -> Floats:
    """Second derivatives, (K * D, K * D), class by class."""
    width, classes = design.shape[1], share.shape[1]
    matrix = np.empty((classes, width, classes, width))
    for k in range(classes):
        for other in range(k, classes):
            curve = weights * share[:, k] * ((k == other) - share[:, other])
            block = design.T @ (curve[:, None] * design)
            matrix[k, :, other], matrix[other, :, k] = block, block
    flat = matrix.reshape(classes * width, classes * width)
    flat[np.diag_indices_from(flat)] += np.tile(penalty, classes)
    return flat


def _lbfgs(design: Floats, truth: Floats, weights: Floats, penalty: Floats, start: Floats) -> Floats:
    """L-BFGS in coordinates in which the curvature, where all classes are equally likely, is the identity."""
    from scipy.optimize import minimize

    total, classes = float(weights.sum()), truth.shape[1]
    curvature = (design.T @ (weights[:, None] * design)) * (classes - 1) / classes**2
    curvature[np.diag_indices_from(curvature)] += penalty
    root = np.linalg.cholesky(curvature / total)
    back = np.linalg.inv(root).T

    def scaled(flat: Floats) -> tuple[float, Floats]:
        value, gradient, _ = _value(design, truth, weights, penalty, back @ flat.reshape(start.shape))
        return value / total, (back.T @ gradient).ravel() / total

    found = minimize(
        scaled,
        (root.T @ start).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10 * _ITERATIONS, "maxfun": 20 * _ITERATIONS, "gtol": 1e-9, "ftol": 0.0},
    )
    return np.asarray(back @ found.x.reshape(start.shape))
