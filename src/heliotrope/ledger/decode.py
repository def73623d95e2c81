"""A ledger's row as a record: what is not of the shape that heliotrope writes is refused by the row's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heliotrope.errors import IntervalError, LedgerError, shown

__all__ = ["objects", "reading", "table_of"]


@contextmanager
def reading(table: str, identity: object) -> Iterator[None]:
    """Turn what a row edited by hand raises inside into LedgerError that names the row."""
    try:
        yield
    except (AttributeError, IntervalError, KeyError, TypeError, ValueError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise LedgerError(
            f"heliotrope.{table}, row {identity}, is not as heliotrope writes it: {why}",
            remedy="restore the ledger from a backup; its rows are not meant to be edited",
        ) from None


def table_of(value: Any, name: str, *, numbers: bool = False) -> Mapping[str, Any]:
    """A JSON object; with ``numbers`` of numbers and nulls alone. Raises ValueError for anything else.

    >>> table_of({"accuracy": 0.5}, "metrics", numbers=True)
    {'accuracy': 0.5}
    >>> table_of([1], "metrics")
    Traceback (most recent call last):
    ValueError: metrics = [1]
    """
    if not isinstance(value, Mapping) or (
        numbers and not all(one is None or isinstance(one, (int, float)) for one in value.values())
    ):
        raise ValueError(f"{name} = {shown(value)}")
    return value


def objects(value: Any, name: str, keys: Sequence[str] = ()) -> tuple[Mapping[str, Any], ...]:
    """A JSON list of objects that have the keys; empty for null. Raises ValueError for anything else."""
    rows = [] if value is None else value
    if not isinstance(rows, list) or not all(isinstance(one, Mapping) and set(keys) <= one.keys() for one in rows):
        raise ValueError(f"{name} = {shown(value)}")
    return tuple(rows)
