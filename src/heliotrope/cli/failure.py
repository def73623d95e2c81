"""How an error reaches the user: two lines, or one JSON document, and an exit code; a traceback only on request."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from heliotrope.cli.output import printable
from heliotrope.errors import HeliotropeError, nearest, said, shown

__all__ = ["OUTPUT_CLOSED", "StoppedError", "WarnedOnce", "close_output", "interruptible", "tell"]

OUTPUT_CLOSED = 141  # 128 + SIGPIPE, as other programs end
TRACEBACK = "HELIOTROPE_TRACEBACK"


class StoppedError(HeliotropeError):
    """Ctrl-C. Says what is done and how to go on."""

    exit_code = 130


@contextmanager
def interruptible(message: str, remedy: str) -> Iterator[None]:
    """Turn Ctrl-C inside into StoppedError with that text."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(message, remedy=remedy) from None


class WarnedOnce:
    """Shows what libraries warn of as one line on stderr, and the same text once."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def __call__(self, message: Warning | str, *_: object, **__: object) -> None:
        """As ``warnings.showwarning`` is called."""
        text = " ".join(str(message).split())
        if text not in self.told:
            self.told.add(text)
            print(f"warning: {text}", file=sys.stderr, flush=True)


def tell(error: BaseException, *, as_json: bool) -> int:
    """Say what is wrong and what to do, on stderr, or as JSON on stdout; the exit code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error, file=sys.stderr)
    known = _known(error)
    message, remedy = printable(known.message), printable(known.remedy)
    try:
        if as_json:
            said = {"error": known.message, "remedy": known.remedy, "exit_code": known.exit_code}
            print(json.dumps(said, indent=2), flush=True)
        else:
            _print_error(message, remedy)
    except BrokenPipeError:
        close_output()
    except OSError:  # its disk is full
        close_output()
        with suppress(OSError):
            _print_error(message, remedy)
    return known.exit_code


def _print_error(message: str, remedy: str) -> None:
    print(f"error: {message}" + (f"\nremedy: {remedy}" if remedy else ""), file=sys.stderr, flush=True)


def close_output() -> None:
    """Let nothing more be written, so that the interpreter's last flush does not fail too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _known(error: BaseException) -> HeliotropeError:
    """The error as one of ours."""
    import typer

    if isinstance(error, HeliotropeError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return StoppedError("stopped; nothing half-done was kept", remedy="run the same command again")
    if isinstance(error, typer.TyperException):
        return _UsageError(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG) and error.filename is None:
        return HeliotropeError(
            f"what is printed cannot be written: {error.strerror}", remedy="free space where the output goes"
        )
    text = said(error, 2000)
    return HeliotropeError(
        f"unexpected {type(error).__name__}{': ' if text else ''}{text}",
        remedy=f"this is a fault of heliotrope: run it with {TRACEBACK}=1 to see where, and report that",
    )


class _UsageError(HeliotropeError):
    """A command line that says something no verb understands."""

    exit_code = 2

    def __init__(self, error: Any) -> None:
        context = getattr(error, "ctx", None)
        asked = getattr(error, "option_name", None)
        path = context.command_path if context is not None else "heliotrope"
        text = error.format_message().strip().removesuffix(".")
        refused: list[Any] = getattr(error.__cause__, "errors", list)()  # by pydantic, which Typer reads values with
        if refused:
            text += f", not {shown(refused[0].get('input'))}"
        remedy = f"see `{path} --help`"
        if asked is not None and text.startswith("No such option"):
            text = f"{path} has no option {asked}"
            remedy = _nearest_option(context, asked)
        super().__init__(f"{text[:1].lower()}{text[1:]}", remedy=remedy)


def _nearest_option(context: Any, asked: str) -> str:
    command = context.command
    if hasattr(command, "commands") and asked in ("--json", "--database"):
        return f"options follow the verb: `{context.command_path} VERB {asked}`"
    known = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    return nearest(asked, [*(name for name in known if name.startswith("-")), "--help"])
