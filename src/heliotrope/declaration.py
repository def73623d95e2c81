"""What differs between two declarations of one pipeline, as the ledger keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Change", "changes"]

_SHOWN = 60  # characters of a value


@dataclass(frozen=True, slots=True)
class Change:
    """One key that has another value. What is inside a key is named with it, as ``source.table``."""

    key: str
    before: Any
    after: Any

    @property
    def of_data(self) -> bool:
        """Whether other rows, columns or classes are read: what was measured before may not compare."""
        return self.key.startswith("source.") or self.key in ("classes", "features")

    @property
    def text(self) -> str:
        """The change in a few words; of features and candidates, those that came, went, or are others now.

        >>> Change("source.table", "sales", "sales_clean").text
        "source.table 'sales', now 'sales_clean'"
        >>> Change("features", {"x": "auto", "y": "auto"}, {"y": "categorical", "z": "auto"}).text
        "features: 'z' added, 'x' removed, 'y' auto, now categorical"
        """
        if self.key not in ("candidates", "features"):
            return f"{self.key} {_short(self.before)}, now {_short(self.after)}"
        before, after = _by_name(self.before), _by_name(self.after)
        said = [f"{name!r} added" for name in after if name not in before]
        said += [f"{name!r} removed" for name in before if name not in after]
        for name in [name for name in before if name in after and before[name] != after[name]]:
            kinds = isinstance(before[name], str)
            said.append(f"{name!r} {before[name]}, now {after[name]}" if kinds else f"{name!r} changed")
        return f"{self.key}: {', '.join(said) or 'in another order'}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every key of both that has another value. Another order of the features is no change.

    A key that only one of them has is of another version of heliotrope, and not the user's doing.

    >>> [one.key for one in changes(
    ...     {"source": {"table": "a", "time": "at"}, "seed": 0}, {"source": {"table": "b", "time": "at"}, "seed": 1}
    ... )]
    ['source.table', 'seed']
    """
    return tuple(_compared("", before, after))


def _compared(within: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key, old in before.items():
        if key not in after or old == after[key]:
            continue
        new, place = after[key], f"{within}{key}"
        alike = isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys()
        if alike and place != "features":
            yield from _compared(f"{place}.", old, new)
        else:
            yield Change(place, old, new)


def _by_name(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {one["name"]: one for one in value}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
