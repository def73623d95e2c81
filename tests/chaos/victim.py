"""The command line in a process that kills itself, by SIGKILL, when it comes to a place of the code for the nth time.

victim.py PLACE N VERB [ARGUMENT ...], where PLACE is module:name or module:Class.name.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

from heliotrope.cli import main


def deadly(place: str, times: int) -> None:
    """Put the kill before what the place names."""
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    left = times

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    setattr(owner, name, call)


if __name__ == "__main__":
    deadly(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
