"""Which classes are taken for which: rows counted by actual and predicted class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Confusion", "Mistake", "confusion"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Rows of one class that were predicted to be of another, and their share of the class's rows."""

    actual: str
    predicted: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """``counts[i][j]``: rows of class i that were predicted to be of class j."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def share(self, actual: int, predicted: int) -> float:
        """Of the rows of one class, those predicted to be of another; 0 where it has none."""
        return self.counts[actual][predicted] / max(sum(self.counts[actual]), 1)

    def mistakes(self, most: int) -> tuple[Mistake, ...]:
        """The most frequent ones.

        >>> Confusion(("a", "b"), ((8, 2), (1, 9))).mistakes(1)
        (Mistake(actual='a', predicted='b', rows=2, share=0.2),)
        """
        found = [
            Mistake(name, other, self.counts[i][j], self.share(i, j))
            for i, name in enumerate(self.classes)
            for j, other in enumerate(self.classes)
            if i != j and self.counts[i][j]
        ]
        return tuple(sorted(found, key=lambda one: -one.rows)[:most])


def confusion(actual: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]) -> Confusion:
    """Count rows by their places in ``classes``, arrays of shape (rows,); each row has one in both.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), ("a", "b")).counts
    ((1, 1), (0, 1))
    """
    kinds = len(classes)
    counts = np.bincount(actual * kinds + predicted, minlength=kinds * kinds).reshape(kinds, kinds)
    return Confusion(classes, tuple(tuple(int(one) for one in row) for row in counts))
