"""Both DAGs in pods by a real scheduler, and what becomes of a training pod that meets a fault.

The control plane is real (HELIOTROPE_CONTROL_PLANE), the node emulated: it runs pods as processes, and evicts none by
itself, so that the Eviction API is asked. Every fault is met while the pod trains, which a lock on the ledger's table
holds up. The ledger of all hours together is a replay's at the end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml

import world
from cluster import PASSWORD, SPACE, SUPERUSER, TOOLS, Cluster, reason, waited
from heliotrope.database import Database
from heliotrope.ledger import migrate
from hook import Hook, hook
from manifests import DEPLOY

pytest.importorskip("psutil")

_LACKS = (
    "minutes of a real Airflow: make test-pods"
    if not os.environ.get("HELIOTROPE_TEST_SCHEDULER")
    else reason()
    or (None if TOOLS else "faults are met on a control plane of the tests' own: HELIOTROPE_CONTROL_PLANE")
)
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(_LACKS is not None, reason=_LACKS or ""),
]

HOURS = 2
TOKEN = "nobody-sees-this-address"
FAULTS: dict[str, Any] = {**world.PIPELINE, "name": "faults", "source": {"table": "faults", "time": "time"}}
_DAGS = """
from datetime import datetime, timedelta
from heliotrope.airflow import ContinuousTrainingDag, CreateDataDag, ExecutionConfig

def pods(image=None, **options):
    image = {{}} if image is None else {{"image": image}}
    pod = {{"pod_template_file": {template!r}, "config_file": {kubeconfig!r}, "in_cluster": False, **image}}
    return ExecutionConfig(mode="kubernetes", namespace={space!r}, pod=pod, **options)

START = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
AGAIN = {{"default_args": {{"retries": 3, "retry_delay": timedelta(seconds=2)}}}}
BY_HAND = {{"schedule": None, "start_date": START, **AGAIN}}
"""
_BOTH = """
data = CreateDataDag("Create-Data", pipeline={turning!r}, execution=pods(), max_active_runs=12, **AGAIN)
training = ContinuousTrainingDag("Continuous-Training", pipeline={turning!r}, execution=pods(), after=True, **AGAIN)
"""
_BY_HAND = """
faults = ContinuousTrainingDag("faults", pipeline={faults!r}, execution=pods(), **BY_HAND)
late = ContinuousTrainingDag("late", pipeline={faults!r}, execution=pods(deadline=timedelta(seconds=20)), **BY_HAND)
wrong = ContinuousTrainingDag("wrong", pipeline={faults!r}, execution=pods(pipeline_file="/no/such.yaml"), **BY_HAND)
absent = ContinuousTrainingDag(
    "absent", pipeline={faults!r}, execution=pods(image="heliotrope:none"),
    **{{**BY_HAND, "default_args": {{"retries": 1, "retry_delay": timedelta(seconds=2)}}}}
)
"""


class Watch(threading.Thread):
    """All pods of steps that there were, by their identity, and the specs of them."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        self.seen: dict[str, dict[str, Any]] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.4):
            with suppress(AssertionError, subprocess.TimeoutExpired):  # there are minutes without an API server
                found = self.cluster.get("pods", "-n", SPACE, "-l", "app.kubernetes.io/component=training")
                self.seen |= {one["metadata"]["uid"]: one for one in (found or {"items": []})["items"]}

    def of(self, step: str, hour: int, pipeline: str = "faults") -> list[str]:
        """The pods that there were of a step of an hour."""
        start = f"-{pipeline}-{step}-202603{1 + hour // 24:02}t{hour % 24:02}00z-"
        return [uid for uid, one in self.seen.items() if start in one["metadata"]["name"]]


class Place:
    """The Airflow, the cluster, the webhook, the database in the cluster, and the hours that have been taken."""

    def __init__(self, airflow: Any, cluster: Cluster, sink: Hook, watch: Watch, folder: Path) -> None:
        self.airflow = airflow
        self.cluster = cluster
        self.sink = sink
        self.watch = watch
        self.folder = folder
        self.rows = Database(f"postgresql://heliotrope:{PASSWORD}@127.0.0.1:{cluster.port}/heliotrope")
        self.hours = 0

    def run(self, dag_id: str, hour: int) -> str:
        """Ask for a run of an hour; its id."""
        waited(lambda: self.airflow.ask("SELECT 1 FROM serialized_dag WHERE dag_id = %s", dag_id), dag_id, 120)
        start = f"2026-03-01T{hour:02}:00Z"
        return str(
            self.airflow.api("POST", f"/dags/{dag_id}/dagRuns", logical_date=None, conf={"start": start})["dag_run_id"]
        )

    def state(self, run: str) -> str:
        """How it stands with a run."""
        return str(self.airflow.ask("SELECT state FROM dag_run WHERE run_id = %s", run)[0][0])

    def ended(self, run: str, *, seconds: float = 300) -> str:
        """How a run ends."""
        over = ("success", "failed")
        waited(lambda: self.state(run) in over, f"run {run} ends", seconds)
        return self.state(run)

    def tries(self, run: str, task: str) -> int:
        """How many tries a task of a run has taken."""
        query = "SELECT try_number FROM task_instance WHERE run_id = %s AND task_id = %s"
        return int(self.airflow.ask(query, run, task)[0][0])

    def log(self, run: str, task: str) -> str:
        """All that is in the logs of a task's tries."""
        logs = (self.airflow.folder / "airflow" / "logs").rglob(f"run_id={run}/task_id={task}/*.log")
        return "\n".join(path.read_text("utf-8", errors="replace") for path in sorted(logs))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing can be recorded of a training meanwhile."""
        with psycopg.connect(self.rows.url) as connection:
            connection.execute("LOCK TABLE heliotrope.training IN SHARE MODE")
            yield
            connection.rollback()

    def trains(self, hour: int) -> str:
        """Wait until the pod of an hour's training waits for the table; its name."""

        def there() -> Any:
            with psycopg.connect(self.rows.url) as connection:
                query = "SELECT count(*) FROM pg_locks WHERE relation = 'heliotrope.training'::regclass AND NOT granted"
                found = connection.execute(query).fetchone()
            return found is not None and found[0] and self.watch.of("train", hour)

        uids = waited(there, f"the training of hour {hour}", 240)
        return str(self.watch.seen[uids[-1]]["metadata"]["name"])

    def processes(self, pod: str) -> list[int]:
        """The processes of a pod on the node."""
        uid = self.cluster.get("pod", pod, "-n", SPACE)["metadata"]["uid"]
        found = []
        for one in psutil.process_iter(["pid"]):
            with suppress(psutil.Error):
                if one.environ().get("HOSTNAME") == pod and "run-step" in one.cmdline():
                    found.append(one.pid)
        assert found, f"{pod} ({uid}) has no process"
        return found


@pytest.fixture(scope="module")
def place(applied: Cluster, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An Airflow whose tasks know no database and have the launcher's rights alone."""
    from installation import SOON, Airflow

    folder = tmp_path_factory.mktemp("faults")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE airflow_of_pods")
    metadata = Database(server_url.replace("/postgres?", "/airflow_of_pods?"))
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    airflow = Airflow(folder / "installation", metadata, nowhere, WORKERS__API_RETRIES="10", **SOON)
    watch = Watch(applied)
    with hook() as sink:
        address = f"json://127.0.0.1:{sink.port}/{TOKEN}"
        secret = {"stringData": {"DISCORD": address}}
        applied.say("patch", "secret", "heliotrope-messages", "-n", SPACE, "-p", json.dumps(secret))
        stream = {"kind": "stream", "start": "2026-03-01T00:00Z", "intervals": HOURS, "params": {"rows": 60}}
        told = [{"name": "team", "url_env": "DISCORD"}]
        files = {}
        for name, declared in {
            "turning": {**world.PIPELINE, "dataset": stream, "notify": told},
            "faults": FAULTS,
        }.items():
            files[name] = str(folder / f"{name}.yaml")
            world.write(folder / f"{name}.yaml", declared)
        texts = {Path(file).name: Path(file).read_text("utf-8") for file in files.values()}
        applied.say("patch", "configmap", "heliotrope-pipelines", "-n", SPACE, "-p", json.dumps({"data": texts}))
        found = Place(airflow, applied, sink, watch, folder)
        migrate(found.rows)
        world.fill(found.rows, 12, table="faults")
        template = str(DEPLOY / "kubernetes" / "pod-template.yaml")
        places = {"template": template, "kubeconfig": str(launchers(applied, folder)), "space": SPACE, **files}
        for name, text in {"both": _BOTH, "by_hand": _BY_HAND}.items():
            airflow.dag(f"{name}.py", (_DAGS + text).format(**places))
        airflow.start()
        waited(lambda: answers(airflow.port), "the api-server answers", 180)
        watch.start()
        yield found
        watch.over.set()
        airflow.stop()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE airflow_of_pods WITH (FORCE)")


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def launchers(cluster: Cluster, folder: Path) -> Path:
    """A kubeconfig of the launcher, with its token and no other right."""
    known = yaml.safe_load(Path(cluster.kubeconfig).read_text("utf-8"))
    token = cluster.say("create", "token", "airflow-scheduler", "-n", "airflow", "--duration=2h").strip()
    for user in known["users"]:
        user["user"] = {"token": token}
    (folder / "kubeconfig").write_text(yaml.safe_dump(known), "utf-8")
    return folder / "kubeconfig"


@pytest.fixture
def hour(place: Place) -> int:
    """One that no test has taken."""
    place.hours += 1
    return place.hours - 1


def test_both_dags_run_their_pods_under_the_restricted_account_to_the_end(place: Place) -> None:
    place.airflow.await_runs(HOURS, "Create-Data", "Continuous-Training")
    assert place.airflow.runs("Continuous-Training") == {"success": HOURS}
    for step in ("assess", "announce", "train", "gate", "publish"):
        assert [len(place.watch.of(step, one, "turning")) for one in range(HOURS)] == [1] * HOURS, step
    accounts = {one["spec"]["serviceAccountName"] for one in place.watch.seen.values()}
    assert accounts == {"heliotrope-training"}
    assert same_as_a_replay(place, "turning", HOURS)
    assert place.sink.requests, "the messages were delivered by the pods"
    assert all(one.path == f"/{TOKEN}" for one in place.sink.requests)


def killed(place: Place, pod: str) -> None:
    for pid in place.processes(pod):
        os.kill(pid, signal.SIGKILL)


def deleted(place: Place, pod: str) -> None:
    place.cluster.say("delete", "pod", pod, "-n", SPACE, "--wait=false")


def evicted(place: Place, pod: str) -> None:
    version = "policy/v1beta1" if place.cluster.version < (1, 22) else "policy/v1"
    body = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": pod, "namespace": SPACE}}
    path = f"/api/v1/namespaces/{SPACE}/pods/{pod}/eviction"
    place.cluster.say("create", "--raw", path, "-f", "-", text=json.dumps(body))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (killed, "it was killed by signal 9"),
        (deleted, "it was deleted while it ran, by hand or by an eviction"),
        (evicted, "it was deleted while it ran, by hand or by an eviction"),
    ],
)
def test_a_training_pod_that_is_ended_from_outside_is_told_of_and_run_again(
    place: Place, hour: int, fault: Callable[[Place, str], None], said: str
) -> None:
    with place.held():
        run = place.run("faults", hour)
        fault(place, pod := place.trains(hour))
        waited(lambda: place.tries(run, "train") == 2, "the task's second try", 120)
    assert place.ended(run) == "success"
    assert len(place.watch.of("train", hour)) == 2
    assert f"pod {pod} failed: {said}" in place.log(run, "train")


def test_a_killed_tasks_pod_is_found_by_the_next_try_and_never_doubled(place: Place, hour: int) -> None:
    with place.held():
        run = place.run("faults", hour)
        pod = place.trains(hour)
        before = place.processes(pod)
        assert place.airflow.kill_titled("airflow worker -- ") > 1, "the worker and its task"
        waited(lambda: place.tries(run, "train") == 2, "the task's second try", 180)
        time.sleep(5)
        assert place.processes(pod) == before
    assert place.ended(run) == "success"
    assert len(place.watch.of("train", hour)) == 1
    assert f"Reusing existing pod '{pod}'" in place.log(run, "train")


def test_a_minute_without_the_api_server_ends_no_training(place: Place, hour: int) -> None:
    with place.held():
        run = place.run("faults", hour)
        pod = place.trains(hour)
        before = place.processes(pod)
        with place.cluster.without_api_server():
            time.sleep(60)
        assert place.processes(pod) == before
    assert place.ended(run) == "success"
    assert len(place.watch.of("train", hour)) == 1


def test_a_training_that_takes_too_long_fails_at_once_and_with_a_word(place: Place, hour: int) -> None:
    with place.held():
        run = place.run("late", hour)
        pod = place.trains(hour)
        assert place.ended(run) == "failed"
    assert place.tries(run, "train") == 1
    assert f"pod {pod} failed: DeadlineExceeded: it was ended after 20 s" in place.log(run, "train")
    again = place.run("faults", hour)  # what it has left open is finished
    assert place.ended(again) == "success"


def test_an_image_that_is_not_there_is_named(place: Place, hour: int) -> None:
    run = place.run("absent", hour)
    assert place.ended(run) == "failed"
    assert place.tries(run, "assess") == 2
    assert "it did not start: ErrImagePull: no image heliotrope:none on this node" in place.log(run, "assess")
    assert place.ended(place.run("faults", hour)) == "success"


def test_what_another_try_would_meet_again_is_not_tried_again(place: Place, hour: int) -> None:
    run = place.run("wrong", hour)
    assert place.ended(run) == "failed"
    assert place.tries(run, "assess") == 1
    log = place.log(run, "assess")
    assert "there is no file" in log
    assert "failed: it ended with exit code 2" in log
    assert place.ended(place.run("faults", hour)) == "success"


def test_after_all_of_it_the_ledger_is_a_replays_and_nothing_is_left_running(place: Place) -> None:
    assert place.hours > 0
    left = place.cluster.say("get", "pods", "-n", SPACE, "-l", "app.kubernetes.io/component=training", "-o", "name")
    assert left == ""
    running = [one.pid for one in psutil.process_iter(["cmdline", "environ"]) if is_a_step(one.info)]
    assert running == []
    assert same_as_a_replay(place, "faults", place.hours)


def is_a_step(process: dict[str, Any]) -> bool:
    """Whether it is a step's of these pods, and of no one else's on this machine."""
    host = (process["environ"] or {}).get("HOSTNAME", "")
    return "run-step" in (process["cmdline"] or []) and host.startswith(("heliotrope-faults-", "heliotrope-turning-"))


def same_as_a_replay(place: Place, name: str, hours: int) -> bool:
    """Asserts that the ledger of a pipeline is that of a replay of the same rows by a pod, part by part."""
    with psycopg.connect(place.rows.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline WHERE name <> %s", [name])
    found = world.ledger(place.rows)
    with psycopg.connect(place.rows.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    span = ("--start", "2026-03-01T00:00Z", "--end", f"2026-03-01T{hours:02}:00Z", "--no-pictures")
    file = f"/etc/heliotrope/pipelines/{name}.yaml"
    phase, log = place.cluster.launched(f"replays-{name}", "replay", file, *span)
    assert phase == "Succeeded", log
    again = world.ledger(place.rows)
    assert found["cycle"]
    for part, lines in found.items():
        assert lines == again[part], part
    return True


def test_no_secret_is_in_a_template_a_spec_a_log_or_the_metadata(place: Place) -> None:
    secrets = {"password": PASSWORD, "superuser": SUPERUSER, "webhook": TOKEN}
    said: dict[str, str] = {"specs": json.dumps(list(place.watch.seen.values()))}
    for (table,) in place.airflow.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = place.airflow.ask(f'SELECT t::text FROM "{table}" AS t')
        said[f"table {table}"] = "\n".join(row[0] for row in rows)
    assert place.cluster.folder is not None
    logs = [*place.airflow.folder.rglob("*.log"), *(place.cluster.folder / "node" / "pods").rglob("*.log")]
    said |= {str(path): path.read_text("utf-8", errors="replace") for path in logs}
    said["events"] = place.cluster.say("get", "events", "-n", SPACE, "-o", "json")
    assert len(said["table rendered_task_instance_fields"]) > 1000
    assert len(place.watch.seen) > 20
    assert len(logs) > 20
    found = [(where, name) for where, text in said.items() for name, value in secrets.items() if value in text]
    assert found == []
