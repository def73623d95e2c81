"""A whole Airflow for tests: scheduler, dag-processor, triggerer and api-server, on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import psycopg

import world
from heliotrope.airflow.standalone import end, environment, processes
from heliotrope.database import Database

__all__ = ["DAGS", "PARTS", "SOON", "Airflow", "hours_of_both", "waited"]

DAGS = Path(__file__).parents[1] / "dags"
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
_SETTINGS = {
    "CORE__PARALLELISM": "4",
    "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
    "API__SECRET_KEY": "a secret of these tests alone, long enough",
    "API_AUTH__JWT_SECRET": "another secret of these tests alone, long enough",
    "API_AUTH__JWT_LEEWAY": "60",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
}
SOON = {
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
}
"""With these what is dead is noticed sooner than an hour's work would need it to be, and on a very busy machine what is
alive may be taken for dead: for tests that kill."""


class Airflow:
    """One installation: a folder, a database for its metadata, and one for the pipeline's rows and ledger."""

    def __init__(self, folder: Path, metadata: Database, rows: Database, **settings: str) -> None:
        self.folder = folder
        self.metadata = metadata
        self.rows = rows
        self.dags = folder / "dags"
        self.dags.mkdir(parents=True)
        self.port = _free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._sessions: list[int] = []
        self._token = ""
        settings = {
            **_SETTINGS,
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(_free_port()),
            **settings,
        }
        whole = environment(folder / "airflow", self.dags, rows, metadata.url, self.port)
        self.environment = {
            **{name: value for name, value in whole.items() if not name.startswith("PYTEST")},
            "HELIOTROPE_HOME": str(folder / "home"),
            **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        }

    def dag(self, name: str, text: str) -> None:
        """Put a DAG's file there."""
        (self.dags / name).write_text(text, encoding="utf-8")

    def call(self, *arguments: str) -> str:
        """A call of the command line; what it says on stdout."""
        command = [sys.executable, "-m", "airflow", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def start(self, *parts: str) -> None:
        """Start parts of it; all of them where none is named, the database's tables made first."""
        if not parts:
            self.call("db", "migrate")
        for part in parts or PARTS:
            with (self.folder / f"{part}.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "airflow", part],
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.running[part] = process
            self._sessions.append(process.pid)

    def kill(self, part: str) -> None:
        """Kill a part, and no process of its own."""
        process = self.running.pop(part)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End everything, also what a killed part has left behind."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        for session in self._sessions:
            end(session)
        for process in self.running.values():
            process.wait(10)

    def kill_titled(self, title: str) -> int:
        """Kill the processes whose title begins so, by their ids; how many.

        Idle workers are left: one of them holds the executor's queue, and with it no other would ever get a task.
        """
        count = 0
        for session in self._sessions:
            for pid in processes(session):
                with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                    said = " ".join(psutil.Process(pid).cmdline())
                    if said.startswith(title) and "<idle>" not in said:
                        os.kill(pid, signal.SIGKILL)
                        count += 1
        return count

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the metadata's database says."""
        with psycopg.connect(self.metadata.url, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def api(self, method: str, path: str, **body: Any) -> Any:
        """A call of the REST API, as an administrator."""
        if not self._token:
            self._token = self._send("GET", "/auth/token")["access_token"]
        return self._send(method, f"/api/v2{path}", body or None, {"Authorization": f"Bearer {self._token}"})

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = Request(
            f"http://localhost:{self.port}{path}",
            data=data,
            headers={"Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with urlopen(asked, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:2000]!r}") from error

    def run_of(self, dag_id: str, partition: str) -> str:
        """The id of the run of a partition."""
        query = "SELECT run_id FROM dag_run WHERE dag_id = %s AND partition_key = %s AND run_type = 'scheduled'"
        return str(self.ask(query, dag_id, partition)[0][0])

    def runs(self, dag_id: str) -> Mapping[str, int]:
        """How many runs of a DAG are in which state."""
        return dict(self.ask("SELECT state, count(*) FROM dag_run WHERE dag_id = %s GROUP BY 1", dag_id))

    def await_runs(self, count: int, *dag_ids: str, seconds: float = 900, failed: int = 0) -> None:
        """Wait until so many runs of each DAG have succeeded. Fails with their logs when one failed or time is up."""

        def done() -> bool:
            known = {dag_id: self.runs(dag_id) for dag_id in dag_ids}
            assert all(runs.get("failed", 0) <= failed for runs in known.values()), self.story()
            return all(runs.get("success", 0) >= count for runs in known.values())

        waited(done, f"{count} runs of {', '.join(dag_ids)}", seconds=seconds, story=self.story)

    def await_quiet(self, *dag_ids: str, seconds: float = 900) -> None:
        """Wait until no run of these DAGs is to be run any more, and each has begun."""

        def done() -> bool:
            known = {state for dag_id in dag_ids for state in self.runs(dag_id)}
            assert "failed" not in known, self.story()
            left = self.ask("SELECT count(*) FROM backfill WHERE completed_at IS NULL")[0][0]
            return known == {"success"} and left == 0

        waited(done, f"the runs of {', '.join(dag_ids)}", seconds=seconds, story=self.story)

    def story(self) -> str:
        """What went wrong, for a test's message."""
        lines = [str(row) for row in self.ask("SELECT dag_id, state, count(*) FROM dag_run GROUP BY 1, 2 ORDER BY 1")]
        lines += [str(row) for row in self.ask("SELECT filename, stacktrace FROM import_error")]
        bad = "SELECT dag_id, task_id, run_id, state, try_number FROM task_instance WHERE state NOT IN ('success')"
        lines += [str(row) for row in self.ask(f"{bad} ORDER BY 1, 3 LIMIT 20")]
        logs = sorted((self.folder / "airflow" / "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime)
        for path in [one for one in logs if "dag_processor" not in str(one)][-4:]:
            lines += [f"--- {path}", path.read_text(errors="replace")[-1500:]]
        for part in PARTS:
            log = self.folder / f"{part}.log"
            lines += [f"--- {part}", log.read_text(errors="replace")[-800:] if log.exists() else "never started"]
        return "\n".join(lines)


def waited(done: Callable[[], bool], what: str, *, seconds: float, story: Callable[[], str] = str) -> None:
    """Return when it is so; fail when that takes longer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            if done():
                return
        time.sleep(0.3)
    raise AssertionError(f"{what} took longer than {seconds:.0f} s\n{story()}")


def hours_of_both(airflow: Airflow, hours: int, *, rows: int = 60, declared: Mapping[str, Any]) -> Path:
    """The two DAGs of ``dags/`` for so many hours of world's pipeline; its file."""
    stream = {"kind": "stream", "params": {"rows": rows}, "start": "2026-03-01T00:00Z", "intervals": hours}
    pipeline = airflow.folder / "examples" / "rotating_gaussians.yaml"
    pipeline.parent.mkdir(exist_ok=True)
    world.write(pipeline, {**world.PIPELINE, "dataset": stream, **declared})
    for file in ("create_data.py", "continuous_training.py"):
        airflow.dag(file, (DAGS / file).read_text(encoding="utf-8"))
    return pipeline


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
