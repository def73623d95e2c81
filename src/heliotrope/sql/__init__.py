"""Named SQL statements, kept as ``.sql`` files beside this module.

A file holds statements, each under a line ``-- name: what_it_does``; parameters are psycopg's ``%(name)s``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

__all__ = ["migration", "statement"]

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _statements() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            pieces = _NAME.split(file.read_text(encoding="utf-8"))[1:]
            for name, text in zip(pieces[::2], pieces[1::2], strict=True):
                assert name not in found, f"statement {name!r} is defined twice"
                # Read from a file of this package and composed with nothing: as literal as a constant.
                found[name] = cast("LiteralString", text.strip())
    return found


def statement(name: str) -> LiteralString:
    """The text of a statement. Raises KeyError for a name that no file defines.

    >>> statement("take_lock")
    'SELECT pg_advisory_lock(%(key)s)'
    """
    return _statements()[name]


def migration(name: str) -> str:
    """The text of a migration, by the name of its file without the ending."""
    return (files(__name__) / "migrations" / f"{name}.sql").read_text(encoding="utf-8")
