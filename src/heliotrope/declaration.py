"""What differs between two declarations of one pipeline, as the ledger keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Change", "changes"]

_SHOWN = 60  # characters of a value


@dataclass(frozen=True, slots=True)
class Change:
    """One key that has another value. ``source`` is taken apart, as ``source.table``."""

    key: str
    before: Any
    after: Any

    @property
    def of_data(self) -> bool:
        """Whether other rows, columns or classes are read: what was measured before may not compare."""
        return self.key.startswith("source.") or self.key in ("classes", "features")

    @property
    def text(self) -> str:
        """The change in a few words; of features, those that came, went, or are taken otherwise.

        >>> Change("source.table", "sales", "sales_clean").text
        "source.table 'sales', now 'sales_clean'"
        >>> Change("features", {"x": "auto", "y": "auto"}, {"y": "categorical", "z": "auto"}).text
        "features: 'z' added, 'x' removed, 'y' auto, now categorical"
        """
        if self.key != "features":
            return f"{self.key} {_short(self.before)}, now {_short(self.after)}"
        said = [f"{name!r} added" for name in self.after if name not in self.before]
        said += [f"{name!r} removed" for name in self.before if name not in self.after]
        both = [name for name in self.before if name in self.after and self.before[name] != self.after[name]]
        said += [f"{name!r} {self.before[name]}, now {self.after[name]}" for name in both]
        return f"features: {', '.join(said)}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every key of both that has another value. Another order of the features is no change.

    A key that only one of them has is of another version of heliotrope, and not the user's doing.

    >>> [one.key for one in changes(
    ...     {"source": {"table": "a", "time": "at"}, "seed": 0}, {"source": {"table": "b", "time": "at"}, "seed": 1}
    ... )]
    ['source.table', 'seed']
    """
    left, right = dict(_flat(before)), dict(_flat(after))
    return tuple(Change(key, left[key], right[key]) for key in left if key in right and left[key] != right[key])


def _flat(declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in declared.items():
        if key == "source":
            yield from ((f"source.{part}", inner) for part, inner in value.items())
        else:
            yield key, value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
