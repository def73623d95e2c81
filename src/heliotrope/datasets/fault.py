"""Where a CSV is at fault: the line and the value, found by reading it line by line once it could not be read fast."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from heliotrope.errors import DataError

__all__ = ["NULLS", "Column", "check_quotes", "find"]

NULLS = frozenset(
    ["", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "NaN", "nan", "-NaN", "-nan", "NULL", "Null", "null", "None", r"\N"]
)
_TRUTHS = ("true", "false", "1", "0")
_SHOWN = 60  # characters of a value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: ``whole`` ones, stored in ``table``'s column; or one that ``may_be_text`` if so declared.

    Where it holds ``truths`` those are true and false.
    """

    whole: bool
    table: str | None
    may_be_text: bool
    truths: bool = False

    def why_not(self, value: str) -> str | None:
        """What a value is not that it should be; None where it is."""
        if self.truths:
            return None if value.strip().lower() in _TRUTHS else "true or false"
        if _is_number(value, self.whole):
            return None
        return "a whole number" if self.whole and _is_number(value, False) else "a number"

    def remedy(self, name: str, value: str) -> str:
        """What to do about a value that is no number."""
        if re.fullmatch(r"\s*[+-]?[\d.]*,\d+\s*", value):
            return "write numbers with a decimal point and without separators"
        mend = "mend the value, or leave it empty"
        if self.table is not None:
            held = "true and false" if self.truths else "whole numbers" if self.whole else "numbers"
            return f"{mend}: {self.table} holds {held}"
        return f"{mend}; or declare the feature as {{{name}: categorical}} if it is one" if self.may_be_text else mend


def find(path: Path, separator: str, numbers: Mapping[str, Column]) -> DataError | None:
    """The first line that has more or fewer values than the header, or no number where there should be one.

    ``numbers`` are the columns that should hold numbers. None where no line is at fault.
    """
    with _records(path, separator) as records:
        _, header = next(records, (1, []))
        places = [(header.index(name), name, column) for name, column in numbers.items() if name in header]
        for line, row in records:
            if len(row) != len(header):
                return DataError(
                    f"{path}: line {line} has {len(row)} values where the header has {len(header)}: "
                    f"{_shown(separator.join(row))}",
                    remedy="mend the line; a value that holds the separator belongs in double quotes",
                )
            for place, name, column in places:
                value = row[place]
                if value.strip() not in NULLS and (what := column.why_not(value)):
                    return DataError(
                        f"{path}: line {line}: column {name!r} holds {_shown(value)}, which is not {what}",
                        remedy=column.remedy(name, value),
                    )
    return None


def check_quotes(path: Path, separator: str) -> bool:
    """Whether a quoted value holds the end of a line. Raises DataError, naming the line, for a quote left open."""
    with pa.input_stream(str(path)) as file, io.BufferedReader(file) as lines:
        if not any(line.count(b'"') & 1 for line in lines):
            return False
    with _records(path, separator) as records:
        for _ in records:
            pass
    return True


@contextmanager
def _records(path: Path, separator: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The records, each with the number of the line on which it begins, from 1; empty lines are none."""
    with pa.input_stream(str(path)) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield _numbered(path, csv.reader(text, delimiter=separator, strict=True))


def _numbered(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            text = str(error)
            if "expected after" in text:
                said = "holds text behind a closing quote"
            elif "field larger" in text:
                said = f"opens a quote that {csv.field_size_limit():,} characters do not close"
            else:
                said = "opens a quote, which swallows the lines after it"
            raise DataError(
                f"{path}: line {line} {said}",
                remedy='close the quote; a quote within a quoted value is written twice, ""',
            ) from None
        if row:
            yield line, row


def _is_number(value: str, whole: bool) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    return value.isascii() and "_" not in value and (not whole or number.is_integer())


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
