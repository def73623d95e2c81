"""What a verb prints: text and tables for people, or one JSON document; names in them are never taken for markup."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliotrope.interval import Interval, format_time

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Output", "number", "printable", "rough"]

_UNBROKEN = 10_000  # characters: longer than any line
_LINE_EVERY = 1.0  # seconds between two lines of progress where there is no terminal
_LONGEST_WORD = 24  # characters: a longer one may be broken
_WORTH_SAYING = 5.0  # seconds that are left


class Output:
    """Where a verb's answer goes. With ``as_json`` only :meth:`document` reaches stdout."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._out = sys.stdout

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let what other code prints inside go to stderr, so that stdout holds the answer and nothing else."""
        with redirect_stdout(sys.stderr):
            yield

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        class Plain(Console):
            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        # What goes into a file or another program is not broken at some width.
        wide = None if self._out.isatty() or "COLUMNS" in os.environ else _UNBROKEN
        return Plain(file=self._out, width=wide, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def say(self, text: str = "", *, style: str | None = None) -> None:
        """A line for people."""
        if not self.as_json:
            self._console.print(printable(text), style=style)

    def warn(self, text: str, remedy: str = "") -> None:
        """Something to know that does not end the verb, on stderr."""
        line = f"warning: {printable(text)}"
        print(f"{line}\nremedy: {printable(remedy)}" if remedy else line, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """A line beside the answer, on stderr; as progress is, for people alone."""
        if not self.as_json:
            print(printable(text), file=sys.stderr, flush=True)

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        right: Collection[str] = (),
        whole: Collection[str] = (),
        title: str = "",
    ) -> None:
        """A table for people. The columns in ``right``, of numbers, those in ``whole`` and the first are not broken.

        Where it is wider than the terminal even so, each row is written below the other, a line for each column.
        """
        if self.as_json:
            return
        if title:
            self.say(title, style="bold")
        unbroken = {place for place, header in enumerate(headers) if not place or header in right or header in whole}
        if _width(headers, rows, unbroken) > self._console.width:
            self._below_each_other(headers, rows)
            return
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for place, header in enumerate(headers):
            number_like = header in right
            table.add_column(
                printable(header),
                justify="right" if number_like else "left",
                no_wrap=place in unbroken,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(printable(cell) for cell in row))
        self._console.print(table, soft_wrap=False)

    def _below_each_other(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            first, *others = (" ".join(cell.split("\n")) for cell in row)
            self.say(first, style="bold")
            for header, cell in zip(headers[1:], others, strict=True):
                if cell.strip():
                    self.say(f"  {header}: {cell.strip()}" if header else f"  {cell.strip()}")

    def document(self, document: Mapping[str, Any]) -> None:
        """The verb's answer for programs: printed with ``as_json`` alone, and once."""
        if self.as_json:
            ascii_only = (self._out.encoding or "ascii").lower().replace("-", "") != "utf8"
            print(json.dumps(_plain(document), ensure_ascii=ascii_only, indent=2), file=self._out, flush=True)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[str], None]]:
        """Call what it gives once for each of ``total`` parts (None: not known). On stderr: a bar, or else lines."""
        if self.as_json:
            yield lambda text: None
        elif sys.stderr.isatty():
            with self._bar(label, total) as advance:
                yield advance
        else:
            yield _Lines(label, total)

    @contextmanager
    def _bar(self, label: str, total: int | None) -> Iterator[Callable[[str], None]]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            *([] if total is None else [TimeRemainingColumn(), TextColumn("left")]),
            TextColumn("{task.fields[now]}", markup=False),
        )
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        with Progress(*columns, console=console, transient=True, expand=True) as bar:
            task = bar.add_task(printable(label), total=total, now="")
            yield lambda text: bar.update(task, advance=1, now=printable(text))


def _width(headers: Sequence[str], rows: Sequence[Sequence[str]], unbroken: Collection[int]) -> int:
    """What a table takes at least: some columns whole, and of the others the longest word."""
    from rich.cells import cell_len

    taken = len(headers) - 1
    for place, header in enumerate(headers):
        cells = [printable(cell) for cell in (header, *(row[place] for row in rows))]
        if place in unbroken:
            taken += max(cell_len(line) for cell in cells for line in cell.split("\n"))
        else:
            taken += min(max((cell_len(word) for cell in cells for word in cell.split()), default=0), _LONGEST_WORD)
    return taken


class _Lines:
    """Progress as lines: of the first part, of the last, and between them at most one a second; with what is left."""

    def __init__(self, label: str, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.label = label
        self.total = total
        self.clock = clock
        self.done = 0
        self.last = -math.inf
        self.first = -math.inf

    def __call__(self, text: str) -> None:
        self.done += 1
        now = self.clock()
        if self.done == 1:
            self.first = now
        if self.done == self.total or now - self.last >= _LINE_EVERY:
            self.last = now
            count = str(self.done) if self.total is None else f"{self.done}/{self.total}"
            line = f"{printable(self.label)} {count} {printable(text)}".rstrip()
            print(f"{line}{self._left(now)}", file=sys.stderr, flush=True)

    def _left(self, now: float) -> str:
        """What the rest takes at the pace so far, where that is long enough to want to know it."""
        if self.total is None or self.done == 1:
            return ""  # the first part takes what is done once along with it: those after it tell the pace
        seconds = (now - self.first) / (self.done - 1) * (self.total - self.done)
        return f", about {rough(seconds)} left" if seconds >= _WORTH_SAYING else ""


def rough(seconds: float) -> str:
    """A length of time, roughly.

    >>> rough(4.2), rough(100), rough(5000), rough(20_000)
    ('4 s', '100 s', '83 min', '5.6 h')
    """
    if seconds <= 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds <= 7200 else f"{seconds / 3600:.1f} h"


def printable(text: str) -> str:
    r"""The text with control characters written out, so that no name can steer the terminal.

    >>> printable("a\x1b[31mb"), printable("\uac00\uac01")
    ('a\\x1b[31mb', '가각')
    """
    return "".join(one if one.isprintable() or one in "\n " else one.encode("unicode_escape").decode() for one in text)


def number(value: float | None, digits: int = 4) -> str:
    """A measured value as text; a dash where there is none.

    >>> number(0.96764), number(None), number(123456.7), number(5e-7)
    ('0.9676', '-', '1.235e+05', '5e-07')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0 or 10**-digits <= abs(value) < 10**5:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}g}"


def _plain(value: Any) -> Any:
    """The value as JSON has it: times in UTC with a Z, numbers that are none as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Interval):
        return {"start": format_time(value.start), "end": format_time(value.end)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value
