"""A step done for a task: in this process, or by another Python. What it came to is as ``run-step --json`` has it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from heliotrope.errors import ConfigError, HeliotropeError, MessageError

if TYPE_CHECKING:
    from heliotrope.airflow.execution import ExecutionConfig
    from heliotrope.config import Target
    from heliotrope.context import Context
    from heliotrope.interval import Interval
    from heliotrope.order import Order

__all__ = ["FailedStepError", "Worker", "url_of"]

log = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds that another Python has to end by itself."""
_FOR_GOOD = 2
"""The exit code, and that of an error, which another try would meet again: a wrong pipeline or interval."""


class FailedStepError(HeliotropeError):
    """A step that another Python ran and that failed. ``for_good``: another try would fail too."""

    def __init__(self, message: str, *, remedy: str = "", for_good: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.for_good = for_good


class Worker:
    """Does the steps of one pipeline, in mode ``local`` or ``virtualenv``."""

    def __init__(self, pipeline: str, execution: ExecutionConfig) -> None:
        self.pipeline = pipeline
        self.execution = execution
        self._process: subprocess.Popen[str] | None = None

    def do(self, order: Order) -> Mapping[str, Any]:
        """Do it; what it came to. Raises what the step raises, or FailedStepError."""
        return self._here(order) if self.execution.mode == "local" else self._there(order)

    def is_done(self, interval: Interval) -> bool:
        """Whether the interval's cycle is done; asked in mode ``local`` alone."""
        with self._opened() as context:
            return interval.start in context.ledger.done_intervals(interval.start, interval.end)

    def stop(self) -> None:
        """End the other Python, as Ctrl-C would: nothing half-done is kept.

        One that was started where Ctrl-C is ignored, as by a shell in the background, ignores it too, and is ended by
        SIGTERM.
        """
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.terminate()

    # --- in this process ---------------------------------------------------------------------------------

    def _here(self, order: Order) -> Mapping[str, Any]:
        from heliotrope import steps
        from heliotrope.replay import patiently

        with self._opened() as context:
            return patiently(context, lambda: steps.perform(context, order, resolver=_resolved))

    @contextmanager
    def _opened(self) -> Iterator[Context]:
        from heliotrope import config, database
        from heliotrope.context import Context
        from heliotrope.ledger import migrate

        pipeline = config.load(self.pipeline)
        home = self.execution.home
        named = {} if home is None else {"HELIOTROPE_HOME": str(home)}
        found = database.resolve(self._url(), environment={**os.environ, **named})
        found.application = f"heliotrope airflow {pipeline.name}"
        if migrate(found):
            log.info("made the ledger's tables")
        folder = None if home is None else Path(home)
        with Context(pipeline, found, folder=folder, notice=_notice) as context:
            yield context

    def _url(self) -> str | None:
        if self.execution.connection_id is None:
            return None
        from airflow.sdk import Connection

        return url_of(Connection.get(self.execution.connection_id))

    # --- by another Python -------------------------------------------------------------------------------

    def _there(self, order: Order) -> Mapping[str, Any]:
        environment = dict(os.environ)
        url = self._url()
        if url is not None:
            environment["HELIOTROPE_DATABASE_URL"] = url  # no list of processes shows it, as it would an argument
        if self.execution.home is not None:
            environment["HELIOTROPE_HOME"] = str(self.execution.home)
        python = self._python()
        command = [str(python), "-m", "heliotrope", *order.arguments(self.pipeline), "--json"]
        log.info("running %s", " ".join(command))
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the DAG's author named
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise ConfigError(
                f"{python} cannot be run: {error.strerror or error}",
                remedy="let ExecutionConfig(python=...) name an interpreter in whose environment heliotrope is",
            ) from None
        output, errors = self._process.communicate()
        for line in errors.splitlines():
            log.info("%s", line)
        return _answer(order, output, errors, self._process.returncode)

    def _python(self) -> str | Path:
        """The other Python; its environment is made where there are requirements and it is not there yet."""
        execution = self.execution
        if not execution.requirements:
            assert execution.python is not None, "one of the two is given"
            return execution.python
        from heliotrope.airflow.environment import environment
        from heliotrope.database import home

        folder = (home() if execution.home is None else Path(execution.home)) / "environments"
        return environment(execution.requirements, folder, python=execution.python)


def _resolved(target: Target) -> str:
    """Where a target is: what an Airflow connection has as its password, or as anywhere else."""
    from heliotrope.notify import address

    if target.connection is None:
        return address(target)
    from airflow.sdk import Connection

    try:
        found = Connection.get(target.connection)
    except Exception as error:
        raise MessageError(
            f"{target.name}: Airflow has no connection {target.connection!r}: {type(error).__name__}",
            remedy="add it, with the address as its password",
        ) from None
    if not found.password:
        raise MessageError(
            f"{target.name}: the connection {target.connection!r} has no password", remedy="let it be the address"
        )
    return str(found.password)


def _answer(order: Order, output: str, errors: str, code: int) -> Mapping[str, Any]:
    try:
        said = json.loads(output)
    except ValueError:
        said = {"error": f"{order.step} ended with {code} and without an answer: {errors.strip()[-500:]}"}
    if code and "error" in said:
        raise FailedStepError(said["error"], remedy=said.get("remedy", ""), for_good=code == _FOR_GOOD)
    found: Mapping[str, Any] = said
    return found


def url_of(connection: Any) -> str:
    """An Airflow connection as the database's URL; its extras are parameters of the connection.

    >>> from types import SimpleNamespace
    >>> url_of(SimpleNamespace(login="ann", password="a/b", host="db", port=5432, schema="events", extra_dejson={}))
    'postgresql://ann:a%2Fb@db:5432/events'
    """
    user = quote(connection.login or "", safe="")
    if connection.password:
        user += f":{quote(connection.password, safe='')}"
    port = f":{connection.port}" if connection.port else ""
    extra = connection.extra_dejson
    parameters = f"?{urlencode(extra, quote_via=quote)}" if extra else ""
    at = "@" if user else ""
    return f"postgresql://{user}{at}{connection.host or ''}{port}/{quote(connection.schema or '', safe='')}{parameters}"


def _notice(text: str, remedy: str = "") -> None:
    log.warning("%s", f"{text}; {remedy}" if remedy else text)
