"""The errors heliotrope raises on purpose, one tree.

Every one says what was wrong, the value, and the remedy; the command line prints that text and ends
with the class's exit code, never with a traceback::

    HeliotropeError                exit code 1
    ├── MessageError               1  a message cannot be sent, or its address cannot be had
    ├── ConfigError                2  a pipeline file or a setting is wrong
    ├── IntervalError              2  a time is not on the pipeline's grid, or a range is empty
    ├── DataError                  3  rows that cannot be used
    │   ├── SchemaError            3  a table or a column is missing or has another type
    │   └── ValidationError        3  a batch broke a rule whose decision is ``fail``
    ├── DatabaseError              4  PostgreSQL cannot be reached, refuses, or is too old
    │   ├── ConnectionLostError    4  the server went away in the middle; the same call can be made again
    │   ├── LockedError            4  another session holds a lock for longer than is waited
    │   └── LedgerError            4  the ledger is absent, older or newer than this code, or a row of it unreadable
    └── ModelError                 5  a model cannot be made, read or used
        ├── EstimatorError         5  an import path, a parameter or a fit is wrong
        ├── ArtifactError          5  a model file is missing or is not the one that was recorded
        └── RegistryError          5  MLflow refuses or cannot be reached
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArtifactError",
    "ConfigError",
    "ConnectionLostError",
    "DataError",
    "DatabaseError",
    "EstimatorError",
    "HeliotropeError",
    "IntervalError",
    "LedgerError",
    "LockedError",
    "MessageError",
    "ModelError",
    "RegistryError",
    "SchemaError",
    "ValidationError",
    "counted",
    "nearest",
    "said",
    "shown",
]


class HeliotropeError(Exception):
    """Something the user can mend. ``str(error)`` names the value; ``remedy`` says what to do."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.remedy))


def _rebuild(kind: type[HeliotropeError], message: str, remedy: str) -> HeliotropeError:
    return kind(message, remedy=remedy)


class ConfigError(HeliotropeError):
    """A pipeline file, an option or an environment variable is wrong or absent."""

    exit_code = 2


class IntervalError(HeliotropeError):
    """A time that is not on the grid, or a range that holds no interval."""

    exit_code = 2


class MessageError(HeliotropeError):
    """A message cannot be sent, or its target's address cannot be had. No address is ever part of the text."""


class DataError(HeliotropeError):
    """Rows that cannot be used."""

    exit_code = 3


class SchemaError(DataError):
    """A table or a column is missing, or has a type that does not fit its use."""


class ValidationError(DataError):
    """A batch broke a rule whose decision in the pipeline is ``fail``."""


class DatabaseError(HeliotropeError):
    """PostgreSQL cannot be reached, refuses, or is older than 14."""

    exit_code = 4


class ConnectionLostError(DatabaseError):
    """The server went away in the middle of a call. Nothing half-done was kept; the call can be made again."""


class LockedError(DatabaseError):
    """Another session holds a lock for longer than is waited. Nothing was done; the call can be made again."""


class LedgerError(DatabaseError):
    """The ledger's tables are absent, of another version than this code, or hold a row that is none of its own."""


class ModelError(HeliotropeError):
    """A model cannot be made, read or used."""

    exit_code = 5


class EstimatorError(ModelError):
    """An estimator's import path or parameter is wrong, or its fit failed."""


class ArtifactError(ModelError):
    """A model file is missing, or its content is not what the ledger recorded."""


class RegistryError(ModelError):
    """MLflow refuses or cannot be reached."""


def shown(value: object, length: int = 80) -> str:
    """A value as an error shows it: as Python writes it, its middle left out where that is long.

    >>> shown("noon"), shown("9" * 400, 24)
    ("'noon'", "'99999999999...9999' (400 characters)")
    """
    text = repr(value)
    if len(text) <= length:
        return text
    size = len(value) if isinstance(value, str) else len(text)
    return f"{text[: length // 2]}...{text[-5:]} ({size} characters)"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number of things.

    >>> counted(1, "interval"), counted(2000, "row"), counted(0, "policy", "policies")
    ('1 interval', '2000 rows', '0 policies')
    """
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def said(error: BaseException, length: int = 300) -> str:
    r"""What another's error says, in one line that can be kept and printed; empty where it says nothing, or fails to.

    >>> said(ValueError("line one\n\0 line two"))
    'line one \\x00 line two'
    """
    try:
        text = " ".join(str(error).split())
    except Exception:
        return ""
    text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= length else f"{text[:length]} ..."


def nearest(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, or the list of all.

    >>> nearest("intervall", ["interval", "target"])
    "did you mean 'interval'?"
    >>> nearest("zzz", ["interval", "target"])
    "known: 'interval', 'target'"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(repr(known_name) for known_name in names)
