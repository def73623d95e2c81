"""The command line: verbs over the same steps that everything else calls.

Exit codes: 0 done, 1 another failure, 2 a wrong command, pipeline or interval, 3 rows that cannot be used, 4 the
database, 5 a model or the registry, 130 stopped by Ctrl-C, 141 the reader of the output went away.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, ``sys.argv``'s where none is given; its exit code. Raises nothing for bad input."""
    from heliotrope.cli.failure import OUTPUT_CLOSED, StoppedError, WarnedOnce, close_output, tell

    is_program = arguments is None
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it says of a call that Ctrl-C cut short
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started it, as daemons do
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open as long as the program runs
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name may hold what the terminal's encoding lacks
    try:
        with warnings.catch_warnings():
            warnings.showwarning = WarnedOnce()
            code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        close_output()
        return OUTPUT_CLOSED
    except (Exception, KeyboardInterrupt) as error:
        code = tell(error, as_json="--json" in arguments)
    if is_program and code == StoppedError.exit_code:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is said: another Ctrl-C ends it at once, without a word
    return code


def _run(arguments: list[str]) -> int:
    import typer

    from heliotrope.cli.application import command
    from heliotrope.cli.session import Session

    Session.verb = arguments[0] if arguments else ""
    group = command()
    try:
        with group.make_context("heliotrope", arguments or ["--help"]) as context:
            group.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0
