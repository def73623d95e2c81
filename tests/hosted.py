"""heliotrope's pages inside a real Airflow's API server, over the ledger of a replay; no run needs a scheduler."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import httpx
from psycopg.conninfo import conninfo_to_dict

import world
from heliotrope.database import Database
from installation import Airflow, waited
from running import new_database

__all__ = ["HOURS", "PIPELINES", "USERS", "Hosted", "hosted", "hour"]

HOURS = 6
PIPELINES = ("turning", "sales", "clicks")
USERS = {"ann": "admin", "vic": "viewer", "uma": "user", "hank": "user", "nell": ""}
"""By name: the role in Airflow's simple auth manager. hank may read the DAG sales alone, nell nothing."""
_numbers = itertools.count()
_GUARDED = Path(__file__).parent / "airflow" / "inside"
_DAGS = """
from datetime import UTC, datetime
from pathlib import Path
from airflow.sdk import DAG, task
from heliotrope.airflow import ContinuousTrainingDag, ContinuousTrainingTaskGroup, CreateDataDag, ExecutionConfig

HERE = Path(__file__).parents[1]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
WHERE = ExecutionConfig(connection_id=CONNECTION)
of = {"execution": WHERE, "start_date": BEGIN}
train = ContinuousTrainingDag("Continuous-Training", pipeline=HERE / "turning.yaml", **of)
create = CreateDataDag("Create-Data", pipeline=HERE / "turning.yaml", **of)
sales = ContinuousTrainingDag(pipeline=HERE / "sales.yaml", **of)
with DAG("Both", schedule=None) as both:
    ContinuousTrainingTaskGroup("first", pipeline=HERE / "turning.yaml", execution=WHERE)
    ContinuousTrainingTaskGroup("second", pipeline=HERE / "clicks.yaml", execution=WHERE)
with DAG("Other", schedule=None) as other:
    @task
    def other_work(): ...
    other_work()
"""


@dataclass(frozen=True)
class Hosted:
    """An Airflow with the pages in it."""

    airflow: Airflow
    rows: Database
    url: str
    """Of Airflow itself."""

    def client(self, user: str | None = None, **headers: str) -> httpx.Client:
        """What a browser is to Airflow in which somebody has signed in, or nobody."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        if user is not None:
            client.cookies.set("_token", self.token(user))
        return client

    def token(self, user: str) -> str:
        """What Airflow gives one who signs in."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": user}, timeout=60)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["access_token"])

    def run(self, dag_id: str, **body: Any) -> str:
        """A run of a DAG that is begun by hand, and by no scheduler; its id."""
        with self.client("ann") as client:
            answer = client.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["dag_run_id"])


@contextmanager
def hosted(
    server_url: str, folder: Path, *, below: str = "", hours: int = HOURS, connection: str | None = None
) -> Iterator[Hosted]:
    """The API server alone, on databases of its own; at ``below`` its host's root.

    The DAGs have their database by that Airflow connection, else by the environment.
    """
    number = next(_numbers)
    with (
        new_database(server_url, f"hosted_rows_{number}") as rows,
        new_database(server_url, f"hosted_metadata_{number}") as metadata,
    ):
        airflow = Airflow(folder / "installation", metadata, rows)
        url = f"http://localhost:{airflow.port}{below}"
        airflow.environment |= {**_users(folder / "passwords.json"), "AIRFLOW__API__BASE_URL": url}
        if connection is not None:
            del airflow.environment["HELIOTROPE_DATABASE_URL"]
            airflow.environment[f"AIRFLOW_CONN_{connection.upper()}"] = _connection(rows)
        world.fill(rows, hours)
        for name in PIPELINES:
            world.write(folder / "installation" / f"{name}.yaml", {**world.PIPELINE, "name": name})
            world.replayed(rows, folder / "installation" / "home", name=name, report={"pictures": False}).close()
        airflow.dag("dags.py", _DAGS.replace("CONNECTION", repr(connection)))
        airflow.call("db", "migrate")
        airflow.call("dags", "reserialize")
        airflow.start("api-server")
        try:
            waited(lambda: _answers(url), "the API server's first answer", seconds=180, story=airflow.story)
            yield Hosted(airflow, rows, url)
        finally:
            airflow.stop()


def hour(number: int) -> datetime:
    """The start of an hour of the replay."""
    return world.hours(number + 1)[number].start


def _users(passwords: Path) -> dict[str, str]:
    passwords.write_text(json.dumps({user: user for user in USERS}), encoding="utf-8")
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "guarded.GuardedAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "false",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "PYTHONPATH": os.pathsep.join([str(_GUARDED), os.environ.get("PYTHONPATH", "")]),
    }


def _connection(rows: Database) -> str:
    given = {name: str(value) for name, value in conninfo_to_dict(rows.url).items() if value}
    known = {"conn_type": "postgres", "login": given.pop("user", ""), "schema": given.pop("dbname", "")}
    return json.dumps({**known, "password": given.pop("password", ""), "extra": given})


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/api/v2/version", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
