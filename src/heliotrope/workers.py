"""Processes that work side by side: joblib's own on this machine, or the workers of a Dask or Ray cluster.

They say how far they are in files of one folder, and end with the process that started them, however that one ends.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from heliotrope.errors import ConfigError, nearest

__all__ = ["CLUSTERS", "Backend", "backend_named", "cluster", "end_with", "watched"]

Backend = Literal["sequential", "loky", "dask", "ray"]
CLUSTERS = {"dask": "distributed", "ray": "ray"}
_LOOK_EVERY = 0.5  # seconds between two looks at how far the processes are


def backend_named(name: str) -> Backend:
    """The backend of that name. Raises ConfigError for an unknown one, or one whose package is not installed."""
    known: tuple[Backend, ...] = get_args(Backend)
    for backend in known:
        if backend == name:
            package = CLUSTERS.get(name)
            if package is not None and find_spec(package) is None:
                raise ConfigError(
                    f"--backend {name} needs the package {package}, which is not installed",
                    remedy=f"pip install '.[{name}]' in a clone of heliotrope, or take --backend loky",
                )
            return backend
    raise ConfigError(f"--backend: there is no {name!r}", remedy=nearest(name, known))


_bound: set[tuple[int, Path]] = set()  # the parents that this process ends with, and their folders


def end_with(parent: int, folder: Path) -> None:
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


@contextmanager
def watched(folder: Path, advance: Callable[[str], object]) -> Iterator[None]:
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
def cluster(backend: Backend, jobs: int, folder: Path) -> Iterator[None]:
    """joblib's backend of that name, on a cluster of this machine's processes unless one is connected already."""
    if backend not in CLUSTERS:
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
