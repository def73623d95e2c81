"""The posting process as a cycle sees it: started when first needed, ended when it does not answer in time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from heliotrope.errors import MessageError
from heliotrope.notify.outcome import Outcome

__all__ = ["GRACE", "SILENT", "Sender"]

GRACE = 5.0
"""Seconds beyond a target's timeout after which the process is ended."""
SILENT = 3.0
"""Seconds that are waited without a word."""
_START = 60.0


class Sender:
    """Posts one message at a time. Use it as a context manager, or close it."""

    def __init__(self, word: Callable[[str], object] = lambda text: None) -> None:
        self.word = word
        """Is told what is waited for, where that takes more than some seconds."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, unless it runs. Raises MessageError where it does not start."""
        if self._process is not None:
            return
        program = "import sys; from heliotrope.notify import post; sys.exit(post.main())"
        # Nothing of an address goes where a list of processes shows it, or to a terminal.
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the run
        )
        if self._line(_START, "the process that posts messages") != b"ready":
            self.close()
            raise MessageError(
                "the process that posts messages did not start",
                remedy="see that Apprise is installed: pip install apprise",
            )

    def post(
        self,
        url: str,
        text: str,
        *,
        key: str,
        timeout: float,
        title: str = "",
        picture: Path | None = None,
        text_sent: bool = False,
    ) -> Outcome:
        """Post, and say what became of it. ``text_sent``: the picture alone is left."""
        self.start()
        order = {
            "url": url,
            "text": text,
            "title": title,
            "picture": None if picture is None else str(picture),
            "text_sent": text_sent,
            "key": key,
            "timeout": timeout,
        }
        answer = self._asked(order, timeout + GRACE, "an answer to a message")
        if not answer:
            self.close()
            return Outcome(result="uncertain", detail=f"no end within {timeout + GRACE:g} s; it was cut off")
        said = json.loads(answer)
        return Outcome(result=said["result"], detail=said["detail"], wait=said["wait"])

    def check(self, url: str) -> tuple[str, str]:
        """What is wrong with an address, and the remedy; both empty where nothing is. Nothing is sent.

        Raises MessageError where the process does not answer.
        """
        self.start()
        answer = self._asked({"check": url}, _START, "a look at an address")
        if not answer:
            self.close()
            raise MessageError("the process that posts messages does not answer", remedy="try again")
        wrong, remedy = json.loads(answer)
        return str(wrong), str(remedy)

    def _asked(self, order: Mapping[str, Any], seconds: float, what: str) -> bytes:
        """The answer to an order; empty where none comes in time."""
        assert self._process is not None, "it was just started"
        try:
            orders = _open(self._process.stdin)
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
            return self._line(seconds, what)
        except OSError:
            return b""

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what it did not read is thrown away
                _open(pipe).close()

    def _line(self, seconds: float, what: str) -> bytes:
        """A line of its output, without its end; empty where none comes in time."""
        assert self._process is not None, "it was just started"
        out, end, found = _open(self._process.stdout), time.monotonic() + seconds, b""
        if seconds > SILENT and not select.select([out], [], [], SILENT)[0]:
            self.word(f"waiting for {what}, up to {seconds:g} s")
        while not found.endswith(b"\n"):
            ready, _, _ = select.select([out], [], [], max(end - time.monotonic(), 0.0))
            part = os.read(out.fileno(), 65536) if ready else b""
            if not part:
                return b""
            found += part
        return found.rstrip()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "it was asked for"
    return pipe
