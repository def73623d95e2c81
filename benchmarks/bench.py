"""What the benchmarks share: a database of their own, interleaved rounds, and the table they print."""

from __future__ import annotations

import gc
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from heliotrope import server
from heliotrope.database import Database

__all__ = ["Board", "database", "folder", "process", "rounds", "timed"]


# --- where -------------------------------------------------------------------------------------------------


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards. Where root makes it, PostgreSQL's account passes through it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else `timeout` would leave the folder
    path = Path(tempfile.mkdtemp(prefix="bench"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def database() -> Iterator[Database]:
    """An empty database of its own, gone afterwards: on ``HELIOTROPE_DATABASE_URL``, else on an embedded server."""
    given = os.environ.get("HELIOTROPE_DATABASE_URL")
    if given:
        with _within(given) as url:
            yield Database(url)
        return
    with folder() as place:
        try:
            with _within(server.start(place / "pg")) as url:
                yield Database(url, embedded=place / "pg")
        finally:
            server.stop(place / "pg")


@contextmanager
def _within(server_url: str) -> Iterator[str]:
    name = f"heliotrope_bench_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{quote(name)}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# --- how long ----------------------------------------------------------------------------------------------


def timed(call: Callable[[], Any]) -> float:
    """The seconds of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def process(*command: str, **environment: str) -> str:
    """Run a process to its end; what it printed. One that fails ends the benchmark with what it said."""
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if found.returncode:
        sys.exit(f"{' '.join(command)} ended with {found.returncode}: {found.stderr}")
    return found.stdout


def rounds(
    count: int, cases: Mapping[str, Callable[[], Any]], *, prepare: Callable[[], Any] | None = None, warm: int = 1
) -> dict[str, list[float]]:
    """The seconds of each case in ``count`` rounds; in a round every case runs once, each time another one first.

    What disturbs the machine then disturbs all of them alike, and a ratio within a round bears it. ``prepare`` runs
    before each round and is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for turn in range(-warm, count):
        place = turn % len(names)
        if prepare is not None:
            prepare()
        gc.collect()
        for name in names[place:] + names[:place]:
            spent = timed(cases[name])
            if turn >= 0:
                seconds[name].append(spent)
    return seconds


# --- what is printed ---------------------------------------------------------------------------------------


class Board:
    """The table of one benchmark: ours, the peer and the limit side by side, printed row by row."""

    def __init__(self, title: str) -> None:
        self.missed: list[str] = []
        print(f"{title}, medians ({os.cpu_count()} cores, load average {_load()}, Python {platform.python_version()})")
        self._print("", "ours", "peer", "ratio", "limit")

    def beside(
        self, what: str, ours: Sequence[float], peer: Sequence[float], *, at_least: float | None = None
    ) -> float:
        """Seconds of ours and of a peer, round by round. The ratio is the peer's over ours: above 1, ours is faster."""
        ratio = statistics.median(theirs / own for own, theirs in zip(ours, peer, strict=True))
        self._row(what, seconds(ours), seconds(peer), f"{ratio:.2f}x", at_least, ratio, "{:g}x", low=True)
        return ratio

    def within(self, what: str, ours: Sequence[float], *, at_most: float | None = None) -> float:
        """Seconds of ours against a limit in seconds."""
        median = statistics.median(ours)
        limit = "{:g} s" if at_most is not None and at_most >= 1 else "{:.0f} ms"
        shown = at_most if at_most is None or at_most >= 1 else at_most * 1e3
        self._row(what, seconds(ours), "", "", shown, median if at_most == shown else median * 1e3, limit, low=False)
        return median

    def plain(
        self, what: str, ours: float, peer: float | None = None, *, form: str = "{:.4f}", at_least: float | None = None
    ) -> None:
        """A number that is no time, and the peer's."""
        self._row(
            what, form.format(ours), "" if peer is None else form.format(peer), "", at_least, ours, form, low=True
        )

    def at_most(self, what: str, ours: float, limit: float, *, form: str = "{:.1e}") -> None:
        """A number that is no time and must not be larger than the limit."""
        self._row(what, form.format(ours), "", "", limit, ours, form, low=False)

    def note(self, text: str) -> None:
        """A line between the rows."""
        print(f"  {text}", flush=True)

    def end(self) -> int:
        """Say what was missed, and how busy the machine is by now; the exit code."""
        print(f"  load average at the end {_load()}")
        print(f"missed: {'; '.join(self.missed)}" if self.missed else "every limit is met", flush=True)
        return 1 if self.missed else 0

    def _row(
        self, what: str, ours: str, peer: str, ratio: str, limit: float | None, value: float, form: str, *, low: bool
    ) -> None:
        said = ""
        if limit is not None:
            met = value >= limit if low else value <= limit
            said = f"{'>=' if low else '<='} {form.format(limit)}  {'met' if met else 'MISSED'}"
            if not met:
                self.missed.append(what)
        self._print(what, ours, peer, ratio, said)

    @staticmethod
    def _print(what: str, ours: str, peer: str, ratio: str, limit: str) -> None:
        print(f"  {what:<58} {ours:>10} {peer:>10} {ratio:>8}  {limit}".rstrip(), flush=True)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def seconds(values: Sequence[float]) -> str:
    """The median, in ms below ten seconds.

    >>> seconds([0.0021, 0.0023, 0.9])
    '2.3 ms'
    """
    median = statistics.median(values)
    return f"{median:.2f} s" if median >= 10 else f"{median * 1e3:.1f} ms"
