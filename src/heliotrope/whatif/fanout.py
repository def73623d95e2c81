"""Policies spread over processes: those that train a candidate on the same windows stay together.

Then no fit is made twice, whatever the number of processes, which share no connection and map the same file of rows.
joblib starts them: its own processes (loky) on this machine, or the workers of a Dask or Ray cluster by the name of the
backend. On a cluster of several machines the folder must be one that all of them see.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from heliotrope.config import Candidate, Pipeline
from heliotrope.errors import ConfigError, nearest
from heliotrope.interval import Interval, format_time
from heliotrope.store import Relation
from heliotrope.whatif.engine import Done, Engine, Run
from heliotrope.whatif.oracle import Oracle, Scores
from heliotrope.whatif.past import History

__all__ = ["Backend", "Outcome", "backend_named", "groups", "here", "processes", "spread"]

Backend = Literal["sequential", "loky", "dask", "ray"]
_PACKAGES = {"dask": "distributed", "ray": "ray"}
_LOOK_EVERY = 0.5  # seconds between two looks at how far the processes are


@dataclass(kw_only=True, eq=False)
class Outcome:
    """What policies came to, in the order they were given, and the scores of each of their candidates."""

    runs: list[Run]
    scores: list[Scores]
    done: Done = field(default_factory=Done)
    intervals: int = 0
    """How many all of them have run."""


def backend_named(name: str) -> Backend:
    """The backend of that name. Raises ConfigError for an unknown one, or one whose package is not installed."""
    known: tuple[Backend, ...] = get_args(Backend)
    for backend in known:
        if backend == name:
            package = _PACKAGES.get(name)
            if package is not None and find_spec(package) is None:
                raise ConfigError(
                    f"--backend {name} needs the package {package}, which is not installed",
                    remedy=f"pip install 'heliotrope[{name}]', or take --backend loky",
                )
            return backend
    raise ConfigError(f"--backend: there is no {name!r}", remedy=nearest(name, known))


def processes(backend: Backend) -> int:
    """How many are taken where nobody says: one, since policies of one process share more; on a cluster all there are.

    >>> processes("loky")
    1
    """
    return (os.cpu_count() or 1) if backend in _PACKAGES else 1


def groups(pipelines: Sequence[Pipeline]) -> list[list[int]]:
    """The places of the pipelines that have a candidate in common, directly or through others; the largest first."""
    found: list[tuple[set[str], list[int]]] = []
    for place, pipeline in enumerate(pipelines):
        keys = {_key(candidate) for candidate in pipeline.candidates}
        places = [place]
        apart = []
        for others, members in found:
            if keys & others:
                keys, places = keys | others, members + places
            else:
                apart.append((others, members))
        found = [*apart, (keys, places)]
    return sorted((sorted(places) for _, places in found), key=len, reverse=True)


def here(
    pipelines: Sequence[Pipeline], history: History, span: Sequence[Interval], advance: Callable[[Interval], object]
) -> Outcome:
    """Run the policies in this process, side by side. Ctrl-C ends it after what was run: that is what is returned."""
    engine = Engine(pipelines, history)
    contenders: dict[str, Oracle] = {}
    for context in engine.contexts:
        for candidate in context.pipeline.candidates:
            contenders.setdefault(_key(candidate), Oracle(context, candidate, span))

    def beside(interval: Interval) -> None:
        for oracle in contenders.values():
            oracle.train(interval)

    try:
        for interval in span:
            engine.run(interval, beside)
            advance(interval)
    except KeyboardInterrupt:
        if not engine.ran:
            raise
    return Outcome(
        runs=engine.runs(),
        scores=[oracle.scores for oracle in contenders.values()],
        done=engine.done(),
        intervals=len(engine.ran),
    )


def spread(
    pipelines: Sequence[Pipeline],
    history: History,
    span: Sequence[Interval],
    *,
    backend: Backend,
    jobs: int,
    folder: Path,
    advance: Callable[[str], object],
) -> Outcome:
    """Run the policies in other processes; ``advance`` is called once for each interval of each group."""
    from joblib import Parallel, delayed

    parts = groups(pipelines)
    history.write(folder / "rows.arrow")
    with _cluster(backend, jobs, folder), _watched(folder, advance):
        jobs = min(jobs, len(parts))
        parent = None if backend in _PACKAGES else os.getpid()
        found: list[Outcome] = Parallel(n_jobs=jobs, backend=None if backend in _PACKAGES else "loky")(
            delayed(_part)(
                [pipelines[place] for place in part], folder, number, history.relation, history.reach, span, parent
            )
            for number, part in enumerate(parts)
        )
    runs: list[Any] = [None] * len(pipelines)
    together = Outcome(runs=runs, scores=[], intervals=len(span))
    for part, tried in zip(parts, found, strict=True):
        for place, run in zip(part, tried.runs, strict=True):
            runs[place] = run
        together.scores += tried.scores
        together.done.add(tried.done)
    return together


def _key(candidate: Candidate) -> str:
    return candidate.model_dump_json()


def _part(
    pipelines: Sequence[Pipeline],
    folder: Path,
    number: int,
    relation: Relation,
    reach: tuple[datetime, datetime],
    span: Sequence[Interval],
    parent: int | None,
) -> Outcome:
    """One group of policies, in a process of its own; a line in a file for each interval says how far it is.

    It ends with the process that started it, ``parent``, however that one ends.
    """
    if parent is not None and os.getpid() != parent:
        _end_with(parent, folder)
    history = History.mapped(folder / "rows.arrow", relation, reach)
    with (folder / f"{number}.progress").open("w", buffering=1) as file:
        return here(pipelines, history, span, lambda interval: file.write(f"{format_time(interval.start)}\n"))


_bound: set[tuple[int, Path]] = set()  # the parents that this process ends with, and their folders


def _end_with(parent: int, folder: Path) -> None:
    """End this process when the parent has, which can then not take away the folder."""
    if (parent, folder) in _bound:
        return
    _bound.add((parent, folder))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


# --- the processes -----------------------------------------------------------------------------------------


@contextmanager
def _watched(folder: Path, advance: Callable[[str], object]) -> Iterator[None]:
    """Tell how far the processes are, from the files they write."""
    ended = threading.Event()
    told: dict[Path, int] = {}

    def look() -> None:
        for path in sorted(folder.glob("*.progress")):
            lines = path.read_text(encoding="ascii").splitlines()
            for line in lines[told.get(path, 0) :]:
                advance(line)
            told[path] = len(lines)

    def watch() -> None:
        while not ended.wait(_LOOK_EVERY):
            look()

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()


@contextmanager
def _cluster(backend: Backend, jobs: int, folder: Path) -> Iterator[None]:
    """joblib's backend of that name, on a cluster of this machine's processes unless one is connected already."""
    if backend not in _PACKAGES:
        yield
        return
    from joblib import parallel_config

    with _dask(jobs, folder) if backend == "dask" else _ray(jobs), parallel_config(backend=backend):
        yield


@contextmanager
def _dask(jobs: int, folder: Path) -> Iterator[None]:
    """The cluster whose scheduler DASK_SCHEDULER_ADDRESS names, or one of ``jobs`` processes here."""
    distributed: Any = import_module("distributed")  # it carries few types, and is not installed everywhere
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    quiet: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    quiet["local_directory"] = str(folder)
    cluster: AbstractContextManager[Any] = (
        nullcontext(address) if address else distributed.LocalCluster(n_workers=jobs, **quiet)
    )
    with cluster as place, distributed.Client(place):
        yield


@contextmanager
def _ray(jobs: int) -> Iterator[None]:
    """The cluster that RAY_ADDRESS names, or one of ``jobs`` processes here."""
    ray: Any = import_module("ray")
    started = not ray.is_initialized()
    if started and os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    elif started:
        ray.init(num_cpus=jobs, include_dashboard=False, log_to_driver=False, configure_logging=False)
    import_module("ray.util.joblib").register_ray()
    try:
        yield
    finally:
        if started:
            ray.shutdown()
