"""Batches as counts over fixed bins, so that those of an interval can be kept for years and added up.

Bins are laid by the first batch: of a number by its quantiles, of a category by its most frequent values. In a
classification the classes are counted too, and the features once more for each class: what turns around a common
centre changes nothing but these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from heliotrope.evidence import histogram

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The bins of every column; plain, to be kept in the ledger.

    >>> import pyarrow as pa
    >>> table = pa.table({"x": [0.0, 1.0, 2.0, 3.0], "class": ["a", "a", "b", "b"]})
    >>> scale = Scale.of(table, features={"x": "numeric"}, target="class", bins=4, by_class=8)
    >>> scale.names
    ('x', 'class', 'x of class a', 'x of class b')
    >>> scale.count(table).astype(int).tolist()
    [[1, 1, 1, 1, 0], [2, 2, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0]]
    """

    bins: int
    edges: Mapping[str, tuple[float, ...]]
    """Of every number."""
    values: Mapping[str, tuple[str, ...]]
    """Of every category."""
    target: str | None
    """Where it has classes."""
    classes: tuple[str, ...]
    """Those for which features are counted by themselves."""

    @classmethod
    def of(
        cls,
        table: pa.Table,
        *,
        features: Mapping[str, Literal["numeric", "categorical"]],
        target: str | None,
        bins: int,
        by_class: int,
    ) -> Self:
        """Laid by the rows of a batch. ``target``: where it has classes; ``by_class``: at most how many get bins."""
        edges = {
            name: tuple(histogram.edges(_numbers(table, name), bins).tolist())
            for name, kind in features.items()
            if kind == "numeric"
        }
        categories = [name for name, kind in features.items() if kind == "categorical"]
        values = {name: _frequent(table, name, bins - 1) for name in [*categories, *([target] if target else [])]}
        classes = values[target] if target else ()
        return cls(
            bins=bins, edges=edges, values=values, target=target, classes=classes if len(classes) <= by_class else ()
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What is counted, in order: features and target, then every feature in every class."""
        features = [*self.edges, *(name for name in self.values if name != self.target)]
        whole = [*features, *([self.target] if self.target else [])]
        return (*whole, *(f"{name} of {self.target} {label}" for label in self.classes for name in features))

    def count(self, table: pa.Table) -> Floats:
        """How many rows lie in each bin, shape (names, bins + 1): the last place, and the last of a number's, is for
        missing values; a category's other values share the place before.
        """
        places = {name: self._places(table, name) for name in (*self.edges, *self.values)}
        features = [name for name in places if name != self.target]
        rows = [places[name] for name in [*features, *([self.target] if self.target else [])]]
        for place in range(len(self.classes)):
            here = places[self.target or ""] == place
            rows += [places[name][here] for name in features]
        return np.array([np.bincount(row, minlength=self.bins + 1) for row in rows], dtype=np.float64)

    def distance(self, reference: Floats, current: Floats) -> Floats:
        """Between two counts, shape (..., names, bins + 1): Kolmogorov and Smirnov's of numbers, total variation of
        categories; nothing where one side has no rows.
        """
        far = np.where(
            np.array(self._ordered),
            histogram.kolmogorov_smirnov(reference, current),
            histogram.total_variation(reference, current),
        )
        return np.where((reference.sum(axis=-1) > 0) & (current.sum(axis=-1) > 0), far, 0.0)

    @property
    def _ordered(self) -> list[bool]:
        """Which of the names are of numbers."""
        features = [True] * len(self.edges) + [False] * (len(self.values) - bool(self.target))
        return [*features, *([False] if self.target else []), *(features * len(self.classes))]

    def _places(self, table: pa.Table, name: str) -> NDArray[np.intp]:
        if name in self.edges:
            values, inner = _numbers(table, name), np.array(self.edges[name])
            present = np.isfinite(values)
            return np.where(present, np.searchsorted(inner, values, side="left"), self.bins).astype(np.intp)
        known = {value: place for place, value in enumerate(self.values[name])}
        encoded = table.column(name).combine_chunks().dictionary_encode()
        codes = [
            self.bins if one is None else known.get(str(one), self.bins - 1) for one in encoded.dictionary.to_pylist()
        ]
        indices = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        return np.asarray(np.array([*codes, self.bins], dtype=np.intp)[indices])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "bins": self.bins,
            "edges": {name: list(edges) for name, edges in self.edges.items()},
            "values": {name: list(values) for name, values in self.values.items()},
            "target": self.target,
            "classes": list(self.classes),
        }

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave."""
        return cls(
            bins=plain["bins"],
            edges={name: tuple(edges) for name, edges in plain["edges"].items()},
            values={name: tuple(values) for name, values in plain["values"].items()},
            target=plain["target"],
            classes=tuple(plain["classes"]),
        )


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def _frequent(table: pa.Table, name: str, most: int) -> tuple[str, ...]:
    """The most frequent values, at most so many, in the order of their text."""
    counted = table.column(name).combine_chunks().value_counts().to_pylist()
    known = sorted((-one["counts"], str(one["values"])) for one in counted if one["values"] is not None)
    return tuple(sorted(value for _, value in known[:most]))
