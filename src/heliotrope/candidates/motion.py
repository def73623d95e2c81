"""How the means of classes move from one step in time to the next: one affine map, the same for all of them.

What turns, grows, swings or drifts alike is such a map; it is found from a few steps and followed for many, where a
polynomial runs away. Finding a linear map between successive states is dynamic mode decomposition: Schmid (2010),
"Dynamic mode decomposition of numerical and experimental data", Journal of Fluid Mechanics 656.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Motion", "Steps"]

_MOST_STEPS = 48  # of a window whose times lie on a grid; others are cut into _BINS equal stretches
_BINS = 12
_PRIOR = 0.3  # how far, in standard deviations within a class, a mean is expected to move in a step


@dataclass(frozen=True, eq=False)
class Steps:
    """Times as steps on a grid: ``start`` is the first one's, ``length`` the seconds between two, ``count`` how many.

    >>> steps = Steps.of(np.array([0.0, 3600.0, 10800.0]))
    >>> steps.length, steps.count, steps.at(np.array([0.0, 5400.0])).tolist()
    (3600.0, 4, [0.0, 1.5])
    """

    start: float
    length: float
    count: int

    @classmethod
    def of(cls, seconds: Floats) -> Steps | None:
        """The grid that the times lie on, or equal stretches of their span; None where there are fewer than three."""
        distinct = np.unique(seconds)
        if len(distinct) < 3:
            return None
        start, span = float(distinct[0]), float(distinct[-1] - distinct[0])
        gap = float(np.diff(distinct).min())
        count = round(span / gap) + 1
        places = (distinct - start) / gap
        if count <= _MOST_STEPS and np.allclose(places, places.round(), atol=1e-3):
            return cls(start, gap, count)
        length = span / _BINS
        return cls(start + length / 2, length, _BINS)

    def at(self, seconds: Floats) -> Floats:
        """Where the times lie, in steps from the first."""
        return np.asarray((seconds - self.start) / self.length)

    def last(self, seconds: Floats) -> NDArray[np.bool_]:
        """Which rows are of the last third of the steps, fewer where three would not be left; of none of three.

        >>> steps = Steps.of(np.arange(6.0))
        >>> steps.last(np.arange(6.0)).tolist()
        [False, False, False, False, True, True]
        """
        return np.asarray(self.nearest(seconds) >= self.count - min(self.count // 3, self.count - 3))

    def nearest(self, seconds: Floats) -> NDArray[np.intp]:
        """The step that each time belongs to."""
        return np.asarray(np.clip(np.rint(self.at(seconds)), 0, self.count - 1).astype(np.intp))


@dataclass(frozen=True, eq=False)
class Motion:
    """The means of K classes in p features at every step, from the window's first to ``ahead`` beyond its last.

    ``path`` is of shape (steps, K, p). Between two steps a mean moves in a straight line; before the first and after
    the last it stands still.

    >>> turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter
    >>> seen = np.stack([np.array([[5.0, 0.0]]) @ np.linalg.matrix_power(turn, step) for step in range(4)])
    >>> motion = Motion.fit(seen, np.full((4, 1), 1e9), ahead=2)
    >>> motion.path[:, 0].round(3) + 0.0
    array([[ 5.,  0.],
           [ 0.,  5.],
           [-5.,  0.],
           [ 0., -5.],
           [ 5.,  0.],
           [ 0.,  5.]])
    """

    path: Floats

    @classmethod
    def fit(cls, means: Floats, weights: Floats, *, ahead: int) -> Motion | None:
        """Means of shape (steps, K, p), of variance 1 / weight, and their ``weights``, (steps, K), 0 where unseen.

        The map is the identity but for what the means' moves show: it has a normal prior of 0.3 standard deviations
        a step. None of its eigenvalues exceeds 1, so that nothing grows without end. None where no class was seen
        in two steps in a row.
        """
        pair = 1.0 / (1.0 / np.maximum(weights[:-1], 1e-12) + 1.0 / np.maximum(weights[1:], 1e-12))
        pair[(weights[:-1] <= 0.0) | (weights[1:] <= 0.0)] = 0.0
        if not (pair > 0.0).any():
            return None
        linear, constant = _map(means[:-1], means[1:], pair)
        path = list(_smoothed(means, weights, linear, constant))
        for _ in range(ahead):
            path.append(path[-1] @ linear + constant)
        return cls(np.stack(path))

    def between(self, place: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The step before each place on the path, and the share of the way to the next."""
        bounded = np.clip(place, 0.0, len(self.path) - 1.0)
        before = np.minimum(bounded.astype(np.intp), len(self.path) - 2)
        return before, bounded - before


def _map(states: Floats, following: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The matrix A, (p, p), and the vector c of ``following = states @ A + c``, nearest to no move at all."""
    features = states.shape[2]
    known = weights.ravel() > 0.0
    before = states.reshape(-1, features)[known]
    move = following.reshape(-1, features)[known] - before
    weight = weights.ravel()[known][:, None]
    design = np.column_stack([before, np.ones(len(before))])
    # A constant move, or one in proportion to a state of ordinary size, of _PRIOR a step.
    size = np.sqrt((weight * before**2).sum() / weight.sum() / features) or 1.0
    prior = np.append(np.full(features, (max(size, 1.0) / _PRIOR) ** 2), _PRIOR**-2.0)
    gram = design.T @ (weight * design) + np.diag(prior)
    found = np.linalg.solve(gram, design.T @ (weight * move))
    linear = np.eye(features) + found[:-1]
    return _bounded(linear), found[-1]


def _bounded(linear: Floats) -> Floats:
    """The map with every eigenvalue of modulus above 1 brought back to it."""
    values, vectors = np.linalg.eig(linear)
    size = np.abs(values)
    if (size <= 1.0).all() or np.linalg.cond(vectors) > 1e8:
        return linear / max(1.0, float(size.max()))
    return np.asarray(np.real(vectors @ np.diag(values / np.maximum(size, 1.0)) @ np.linalg.inv(vectors)))


def _smoothed(means: Floats, weights: Floats, linear: Floats, constant: Floats) -> Floats:
    """The path of every class that the map makes of one first state, nearest to the means seen, (steps, K, p)."""
    steps, classes, features = means.shape
    power, offset = np.eye(features), np.zeros(features)
    powers, offsets = [power], [offset]
    for _ in range(steps - 1):
        power, offset = power @ linear, offset @ linear + constant
        powers.append(power)
        offsets.append(offset)
    path = np.empty_like(means)
    for k in range(classes):
        gram = 1e-9 * np.eye(features)
        seen = np.zeros(features)
        for step in np.flatnonzero(weights[:, k] > 0.0):
            gram += weights[step, k] * powers[step] @ powers[step].T
            seen += weights[step, k] * powers[step] @ (means[step, k] - offsets[step])
        first = np.linalg.solve(gram, seen)
        path[:, k] = [first @ powers[step] + offsets[step] for step in range(steps)]
    return path
