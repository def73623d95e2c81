"""Rows of a training grouped by class and time: all that a polynomial of time needs to know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Cells"]


class Cells:
    """Rows grouped by class and distinct time, ordered by both; ``label``, ``time`` and ``weight`` are each cell's."""

    def __init__(self, label: NDArray[np.intp], seconds: Floats, weights: Floats, classes: int) -> None:
        distinct, when = np.unique(seconds, return_inverse=True)
        key = label * len(distinct) + when
        self._order = np.argsort(key, kind="stable")
        ordered = key[self._order]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        self._starts = np.flatnonzero(first)
        self.of_row = np.empty(len(key), dtype=np.intp)
        self.of_row[self._order] = np.cumsum(first) - 1
        self.classes = classes
        self.label, place = np.divmod(ordered[self._starts], len(distinct))
        self.time: Floats = distinct[place]
        self.weight = self.sum(weights)

    def sum(self, values: Floats) -> Floats:
        """The sums over each cell's rows, shape (cells, ...)."""
        return np.asarray(np.add.reduceat(values[self._order], self._starts, axis=0))

    def groups(self, most: int) -> tuple[NDArray[np.intp], int]:
        """Cells of a class joined over equal stretches of time where there are more than ``most``; how many groups."""
        span = self.time.max() - self.time.min()
        distinct, stretch = np.unique(self.time, return_inverse=True)
        if len(distinct) > most:
            stretch = np.minimum(((self.time - self.time.min()) / span * most).astype(np.intp), most - 1)
        found, group = np.unique(self.label * (stretch.max() + 1) + stretch, return_inverse=True)
        return group, len(found)

    def grouped(self, scatter: Floats, most: int) -> Floats:
        """Sums of residuals over groups, each over the square root of its weight: of unit variance under mere noise."""
        group, count = self.groups(most)
        total = np.zeros((count, scatter.shape[1]))
        np.add.at(total, group, scatter)
        return np.asarray(total / np.sqrt(np.bincount(group, self.weight))[:, None])
