"""A Kubernetes cluster for tests: one that KUBECONFIG names, or a control plane of their own with an emulated node."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import shutil
import signal
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
from manifests import POD

__all__ = [
    "KUBECONFIG",
    "LAUNCHER",
    "PASSWORD",
    "POSTGRES",
    "SPACE",
    "SUPERUSER",
    "TOOLS",
    "Cluster",
    "free_port",
    "own_cluster",
    "reason",
    "user_of_postgres",
    "waited",
]

TOOLS, KUBECONFIG = os.environ.get("HELIOTROPE_CONTROL_PLANE"), os.environ.get("KUBECONFIG")
PASSWORD, SUPERUSER = "pods-read-this", "nobody-reads-this"
SPACE = "heliotrope"
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
    """A cluster, by kubectl.

    Where the node is emulated, ``port`` is that of PostgreSQL on loopback, and ``folder`` has all that it is made of.
    """

    def __init__(self, kubeconfig: str, *, port: int | None = None, folder: Path | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.port = port
        self.folder = folder
        self.anew: list[subprocess.Popen[bytes]] = []

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

    @contextmanager
    def without_api_server(self) -> Iterator[None]:
        """The API server killed, and started anew; etcd, the controllers and the node live on."""
        assert self.folder is not None, "of a cluster of the tests' own"
        file = self.folder / "plane" / "pids"
        pids = [int(line) for line in file.read_text().split()]
        [pid] = [one for one in pids if "kube-apiserver" in Path(f"/proc/{one}/cmdline").read_text()]
        command = Path(f"/proc/{pid}/cmdline").read_text().strip("\0").split("\0")
        os.kill(pid, signal.SIGKILL)
        try:
            yield
        finally:
            with (self.folder / "plane" / "apiserver.log").open("ab") as log:
                anew = subprocess.Popen(
                    command, cwd=file.parent, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
                )
            self.anew.append(anew)
            file.write_text("".join(f"{anew.pid if one == pid else one}\n" for one in pids))
            waited(lambda: self.call("get", "--raw", "/readyz").returncode == 0, "the API server is there again", 120)

    def ready(self) -> str | None:
        """The identity of PostgreSQL's pod, once it is ready."""
        found = self.get("pod", "heliotrope-postgres-0", "-n", SPACE)
        conditions = {one["type"]: one["status"] for one in (found or {}).get("status", {}).get("conditions", [])}
        return str(found["metadata"]["uid"]) if conditions.get("Ready") == "True" else None

    def launched(self, name: str, *arguments: str, program: str = "heliotrope") -> tuple[str, str]:
        """What a pod of the template comes to when Airflow's account starts it, with its rights alone; and its log."""
        pod = copy.deepcopy(dict(POD))
        pod["metadata"]["name"] = name
        pod["spec"]["containers"][0] |= {"command": [program], "args": list(arguments)}
        mine = ("--as", LAUNCHER, "-n", SPACE)
        self.say(*mine, "create", "-f", "-", text=json.dumps(pod))
        phase, _ = self.ended(SPACE, name)
        log = self.say(*mine, "logs", name)
        self.say(*mine, "get", "pods", "-l", "app.kubernetes.io/component=training")
        self.say(*mine, "get", "events")
        self.say(*mine, "label", "pod", name, "already_checked=True")
        spec = json.dumps(json.loads(self.say(*mine, "get", "pod", name, "-o", "json"))["spec"])
        assert PASSWORD not in spec + log
        self.say(*mine, "delete", "pod", name)
        return phase, log


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
    cluster: Cluster | None = None
    try:
        environment = {**os.environ, **ports}
        up = [str(tools / "control-plane"), "up", str(folder / "plane")]
        done = subprocess.run(up, env=environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        cluster = Cluster(str(folder / "plane" / "kubeconfig"), port=free_port(), folder=folder)
        images = {image: _heliotrope(folder / "heliotrope"), database: _postgres(folder / "postgres")}
        node = _node(cluster, tools, folder, images)
        yield cluster
    finally:
        if node is not None:
            node.terminate()
            node.wait(30)
        subprocess.run([str(tools / "control-plane"), "down", str(folder / "plane")], timeout=60, check=False)
        for process in [] if cluster is None else cluster.anew:
            process.wait(30)
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


def reason() -> str | None:
    """Why no cluster can be had here; None where one can."""
    if shutil.which("kubectl") is None:
        return "kubectl is not installed"
    if TOOLS:
        # Of kubernetes itself a spec is found: tests/kubernetes.
        lacks = None if importlib.util.find_spec("kubernetes.client") else "pip install 'heliotrope[kubernetes]'"
        return fits(Path(TOOLS)) or lacks
    return None if KUBECONFIG else "no cluster: set KUBECONFIG, or HELIOTROPE_CONTROL_PLANE to the tools' folder"
