"""A Kubernetes cluster for tests: one that KUBECONFIG names, or a control plane of their own with an emulated node."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from heliotrope.server import programs
from heliotrope.server.account import Account, is_open_to

__all__ = ["LAUNCHER", "POSTGRES", "Cluster", "free_port", "own_cluster", "user_of_postgres", "waited"]

LAUNCHER = "system:serviceaccount:airflow:airflow-scheduler"
POSTGRES = Path(__file__).parent / "kubernetes" / "postgres"
"""The folder of the stand-in for the entry point of PostgreSQL's image."""
_PLACES = [
    Path(place)
    for place in (
        "/docker-entrypoint-initdb.d",
        "/etc/heliotrope/pipelines",
        "/etc/heliotrope",
        "/var/lib/heliotrope",
        "/var/lib/postgresql",
        "/var/run/postgresql",
    )
]


class Cluster:
    """A cluster, by kubectl. ``port`` is that of PostgreSQL on loopback, where the node is emulated."""

    def __init__(self, kubeconfig: str, *, port: int | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.port = port

    def call(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """kubectl with these arguments; whatever it ends with."""
        command = ["kubectl", "--kubeconfig", self.kubeconfig, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)

    def say(self, *arguments: str, text: str | None = None) -> str:
        """The same, where it must end well; what it says."""
        done = self.call(*arguments, text=text)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """An object, or None."""
        done = self.call("get", *arguments, "--ignore-not-found", "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    @property
    def version(self) -> tuple[int, int]:
        """Of the API server; a build that does not say is the 1.20 of the tests' own control plane."""
        told = json.loads(self.say("version", "-o", "json"))["serverVersion"]
        minor = int("".join(sign for sign in told["minor"] if sign.isdigit()) or 0)
        return (int(told["major"]), minor) if minor else (1, 20)

    def ended(self, namespace: str, pod: str, *, seconds: float = 180) -> tuple[str, str]:
        """The phase that a pod ends in, and its log."""

        def over() -> Any:
            found = self.get("pod", pod, "-n", namespace)
            assert found is not None, f"{pod} is gone"
            return found["status"]["phase"] in ("Succeeded", "Failed") and found

        found = waited(over, f"pod {pod} ends", seconds)
        return found["status"]["phase"], self.call("logs", pod, "-n", namespace).stdout


def waited(what: Callable[[], Any], name: str, seconds: float = 120) -> Any:
    """What it returns as soon as it is something. Fails after so long."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < limit, f"waited {seconds:g} s in vain: {name}"
        time.sleep(0.5)
    return found


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def user_of_postgres() -> int:
    """Whom PostgreSQL runs as where there is no image: an account of this machine, as initdb asks for its name."""
    import pwd

    for name in ("postgres", "pgserver", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise AssertionError("this machine has no account for PostgreSQL")


@contextmanager
def own_cluster(tools: Path, image: str, database: str) -> Iterator[Cluster]:
    """A control plane by ``tools``/control-plane and a node by ``tools``/process-kubelet, as root; both end with it.

    ``image`` is heliotrope's and runs these sources, ``database`` PostgreSQL's and runs the embedded one.
    """
    # Not under /tmp: the pods mount a volume there.
    folder = Path(tempfile.mkdtemp(prefix="heliotrope-cluster-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = [place for place in _PLACES if not place.exists()]
    ports = {name: str(free_port()) for name in ("PORT", "ETCD_PORT", "ETCD_PEER")}
    node: subprocess.Popen[bytes] | None = None
    try:
        environment = {**os.environ, **ports}
        up = [str(tools / "control-plane"), "up", str(folder / "plane")]
        done = subprocess.run(up, env=environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        cluster = Cluster(str(folder / "plane" / "kubeconfig"), port=free_port())
        images = {image: _heliotrope(folder / "heliotrope"), database: _postgres(folder / "postgres")}
        node = _node(cluster, tools, folder, images)
        yield cluster
    finally:
        if node is not None:
            node.terminate()
            node.wait(30)
        subprocess.run([str(tools / "control-plane"), "down", str(folder / "plane")], timeout=60, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        for place in made:  # where the node has mounted the pods' volumes
            with suppress(OSError):
                place.rmdir()


def _node(cluster: Cluster, tools: Path, folder: Path, images: Mapping[str, Path]) -> subprocess.Popen[bytes]:
    """A node that has registered."""
    command = [sys.executable, str(tools / "process-kubelet"), "--kubeconfig", cluster.kubeconfig]
    command += ["--dir", str(folder / "node"), *(part for n, p in images.items() for part in ("--image", f"{n}={p}"))]
    with (folder / "node.log").open("wb") as log:
        node = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    waited(lambda: node.poll() is not None or cluster.get("node", "process-node"), "the node registers", 60)
    assert node.poll() is None, (folder / "node.log").read_text()
    return node


def _heliotrope(folder: Path) -> Path:
    folder.mkdir()
    paths = f"{Path(__file__).parents[1] / 'src'}{os.pathsep}{sysconfig.get_path('purelib')}"
    for name, module in {"heliotrope": "-m heliotrope", "python3": ""}.items():
        call = f'PYTHONPATH={paths} PYTHONDONTWRITEBYTECODE=1 {_python()} {module} "$@"'
        (folder / name).write_text(f"#!/bin/sh\nexec env {call}\n", "utf-8")
        (folder / name).chmod(0o755)
    return folder


def _python() -> str | None:
    """A Python of this version that the pods' user may run: this one is not, where it is root's own."""
    other = Account(65534, 65534)
    name = f"python3.{sys.version_info.minor}"
    names = (sys.executable, f"/usr/local/bin/{name}", f"/usr/bin/{name}")
    found = (name for name in names if Path(name).exists() and is_open_to(other, Path(name).resolve()))
    return next(found, None)


def _postgres(folder: Path) -> Path:
    folder.mkdir()
    for program in [*programs.find().folder.iterdir(), POSTGRES / "docker-entrypoint.sh"]:
        (folder / program.name).symlink_to(program)
    return folder


def fits(tools: Path) -> str | None:
    """Why ``own_cluster`` cannot be had here; None where it can."""
    packages = Path(sysconfig.get_path("purelib"))
    lacking: Mapping[str, bool] = {
        f"{tools} has no control-plane and process-kubelet": not (tools / "process-kubelet").exists(),
        "it takes root": os.geteuid() != 0,
        "its pods find no Python that others than root may run": _python() is None,
        "the environment is under /tmp, where pods mount a volume": packages.is_relative_to("/tmp"),
        "etcd is not installed (Debian: etcd-server)": shutil.which("etcd") is None,
    }
    return next((reason for reason, lacks in lacking.items() if lacks), None)
