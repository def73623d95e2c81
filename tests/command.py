"""The command line called in a test: what it came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from heliotrope.cli import main

__all__ = ["Call", "Ended", "caller"]


class Ended(NamedTuple):
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What --json printed."""
        return json.loads(self.out)


Call = Callable[..., Ended]


def caller(capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("status", "--json")``, with what it alone has printed."""

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(list(arguments))
        return Ended(code, *capsys.readouterr())

    return call
