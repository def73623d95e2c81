"""A process beside a replay that registers champions as they appear, so that MLflow costs the replay nothing.

What it does not get done is not lost: the ledger knows who is not registered, and the next call goes on there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from heliotrope.errors import HeliotropeError, RegistryError

if TYPE_CHECKING:
    from heliotrope.context import Context

__all__ = ["registering"]

_PAUSE = 0.2


@contextmanager
def registering(context: Context, *, failed: Callable[[RegistryError], None]) -> Iterator[None]:
    """Register what the block promotes, while it runs; wait for the rest at its end.

    ``failed`` is told when that does not work: no cycle fails because of the registry.
    """
    if context.pipeline.registry == "none" or context.segment:
        yield
        return
    # The database's URL may hold a password: it goes by the pipe, where no list of processes shows it.
    order = {
        "pipeline": context.pipeline.model_dump(mode="json"),
        "url": context.database.url,
        "embedded": str(context.database.embedded or ""),
        "folder": str(context.folder),
        "segment": context.segment,
    }
    process = subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-c", f"import sys, {__name__} as registrar; sys.exit(registrar.main())"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    try:
        yield
    finally:
        output, errors = process.communicate()  # closes its input, by which it knows that no more will come
        if process.returncode:
            failed(_failure(process.returncode, output, errors))


def _failure(code: int, output: str, errors: str) -> RegistryError:
    if output.startswith("{"):
        said = json.loads(output)
        return RegistryError(said["message"], remedy=said["remedy"])
    if text := errors.strip()[-500:]:
        return RegistryError(text)
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return RegistryError(
        f"the process that registers them {how}",
        remedy="the next run or replay registers them; where the system ended it, give it more memory",
    )


def main() -> int:
    """The process: register until the input ends, then once more."""
    from heliotrope import config, server
    from heliotrope.context import Context
    from heliotrope.database import Database
    from heliotrope.publish.registrations import register
    from heliotrope.replay import patiently

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the replay's, which then ends the input
    order = json.loads(sys.stdin.readline())
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    pipeline = config.parse(order["pipeline"])
    try:
        if order["embedded"]:
            server.start(Path(order["embedded"]))  # it is there until this process has ended too
        with Context(
            pipeline, Database(order["url"]), folder=Path(order["folder"]), segment=order["segment"]
        ) as context:
            while not ended.wait(_PAUSE):
                patiently(context, partial(register, context))
            patiently(context, partial(register, context))
    except HeliotropeError as error:
        print(json.dumps({"message": error.message, "remedy": error.remedy}))
        return error.exit_code
    return 0
