"""What 24 hours of both DAGs take by a real scheduler, beside the original's way, in one run of this file.

The original's way, written anew: Create-Data with a task a class, the SQL text of single-row INSERTs going through
XCom, and its table made by every run; Continuous-Training with the query as text, a message, and a training container
(``original.py``) an hour, one run at a time. Each way has an Airflow of its own, alike but for its DAGs: LocalExecutor,
byte-compiled packages, PostgreSQL. A way's rows are all there before its training begins, so that training alone is
timed, from the first run's start to the last one's end.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from bench import Board, folder
from heliotrope import server
from heliotrope.database import Database
from installation import Airflow, hours_of_both, waited

HOURS = 24
ROWS = 300
START = "2026-03-01T00:00:00+00:00"

ORIGINAL_DATA = """
from datetime import datetime
from airflow.sdk import DAG, CronDataIntervalTimetable, task
START = datetime.fromisoformat("{start}")

with DAG("Create-Data", schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"), start_date=START,
         end_date=datetime.fromisoformat("{end}"), catchup=True, max_active_runs=12, default_args={{"retries": 0}}):

    @task
    def create_table():
        import psycopg
        with psycopg.connect("{url}") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS continuous_training "
                "(time TIMESTAMP NOT NULL, x FLOAT NOT NULL, y FLOAT NOT NULL, class TEXT NOT NULL)")

    @task
    def generate(label, logical_date=None):
        import math, random
        k, h = "ABC".index(label), logical_date.hour
        angle = 2 * math.pi * h / 24 + 2 * math.pi * k / 3
        at = logical_date.strftime("%Y-%m-%d %H:%M:%S")
        draw = random.Random(f"{{at}}{{label}}")
        return "".join(
            f"INSERT INTO continuous_training (time, x, y, class) VALUES ('{{at}}', "
            f"{{draw.gauss(math.sqrt(6) * math.cos(angle), 1)}}, {{draw.gauss(math.sqrt(6) * math.sin(angle), 1)}}, "
            f"'{{label}}');" for _ in range({rows}))

    @task
    def merge(parts):
        return "".join(parts)

    @task
    def push(text):
        import psycopg
        with psycopg.connect("{url}") as connection:
            connection.execute(text)

    made = create_table()
    parts = [generate.override(task_id=f"generate_{{label}}")(label) for label in "ABC"]
    made >> parts
    push(merge(parts))
"""

ORIGINAL_TRAINING = """
from datetime import datetime
from airflow.sdk import DAG, CronDataIntervalTimetable, TaskGroup, task
START = datetime.fromisoformat("{start}")

with DAG("Continuous-Training", schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"), start_date=START,
         end_date=datetime.fromisoformat("{end}"), catchup=True, max_active_runs=1, default_args={{"retries": 0}}):

    @task
    def build_query(logical_date=None):
        from datetime import timedelta
        low = logical_date - timedelta(hours=2)
        return f"SELECT * FROM continuous_training WHERE '{{low}}' <= time AND time <= '{{logical_date}}'"

    @task
    def send_message(logical_date=None):
        from urllib.request import Request, urlopen
        text = f":computer: [{{logical_date}}]: TRAINING START!"
        urlopen(Request("{webhook}", data=text.encode(), method="POST"), timeout=10).read()

    @task
    def train(query, logical_date=None):
        import subprocess, sys
        from urllib.request import Request, urlopen
        file = "{folder}/" + logical_date.strftime("%Y%m%dT%H") + ".png"
        subprocess.run([sys.executable, "{program}", "{url}", logical_date.isoformat(), file], check=True)
        with open(file, "rb") as picture:
            urlopen(Request("{webhook}", data=picture.read(), method="POST"), timeout=10).read()

    query = build_query()
    with TaskGroup("training"):
        message = send_message()
        trained = train(query)
        message >> trained
    query >> message
"""


@contextmanager
def webhook() -> Iterator[str]:
    """The address of what takes any message and says nothing."""

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{sink.server_address[1]}/"
    finally:
        sink.shutdown()


@contextmanager
def installed(place: Path, server_url: str, name: str) -> Iterator[Airflow]:
    """An Airflow of its own, ended afterwards."""
    bases = []
    with psycopg.connect(server_url, autocommit=True) as connection:
        for base in (f"{name}_metadata", f"{name}_rows"):
            connection.execute(f"CREATE DATABASE {base}".encode())
            bases.append(Database(server_url.replace("/postgres?", f"/{base}?")))
    airflow = Airflow(place / name, *bases)
    try:
        yield airflow
    finally:
        airflow.stop()


def ended(airflow: Airflow, dag_id: str, count: int) -> dict[str, int]:
    """How many runs of the DAG ended how, when that many have."""

    def done() -> bool:
        runs = airflow.runs(dag_id)
        return runs.get("success", 0) + runs.get("failed", 0) >= count

    waited(done, f"{dag_id}", seconds=3600, story=airflow.story)
    return dict(airflow.runs(dag_id))


def seconds(airflow: Airflow) -> float:
    """From the start of the first training run to the end of the last."""
    query = "SELECT extract(epoch FROM max(end_date) - min(start_date)) FROM dag_run WHERE dag_id = %s"
    return float(airflow.ask(query, "Continuous-Training")[0][0])


def originals(airflow: Airflow, hook: str) -> tuple[float, int, int]:
    """The original's seconds of training, and its failed runs of both DAGs."""
    pictures = airflow.folder / "pictures"
    pictures.mkdir()
    said = {
        "start": START,
        "end": START.replace("T00", f"T{HOURS - 1:02}"),
        "url": airflow.rows.url,
        "rows": ROWS,
        "webhook": hook,
        "folder": pictures,
        "program": Path(__file__).with_name("original.py"),
    }
    airflow.dag("create_data.py", ORIGINAL_DATA.format(**said))
    airflow.start()
    data = ended(airflow, "Create-Data", HOURS)
    airflow.dag("continuous_training.py", ORIGINAL_TRAINING.format(**said))
    training = ended(airflow, "Continuous-Training", HOURS)
    return seconds(airflow), data.get("failed", 0), training.get("failed", 0)


def ours(airflow: Airflow) -> tuple[float, int, int]:
    """Our seconds of training, and the failed runs of both DAGs."""
    hours_of_both(airflow, HOURS, rows=ROWS, declared={"registry": "mlflow"})
    training = (airflow.dags / "continuous_training.py").read_text(encoding="utf-8")
    (airflow.dags / "continuous_training.py").unlink()
    airflow.start()
    data = ended(airflow, "Create-Data", HOURS)
    airflow.dag("continuous_training.py", training)
    trained = ended(airflow, "Continuous-Training", HOURS)
    return seconds(airflow), data.get("failed", 0), trained.get("failed", 0)


def main() -> int:
    """Run both ways, and print them side by side."""
    board = Board(f"{HOURS} hours of both DAGs, by a real scheduler")
    with folder() as place, webhook() as hook:
        url = server.start(place / "pg")
        try:
            with installed(place, url, "original") as airflow:
                peer, peer_data, peer_training = originals(airflow, hook)
            with installed(place, url, "ours") as airflow:
                own, own_data, own_training = ours(airflow)
        finally:
            server.stop(place / "pg")
    board.beside("training, from the first run to the last", [own], [peer], at_least=2.0)
    board.at_most("Create-Data: failed runs", own_data, 0, form="{:.0f}")
    board.at_most("Continuous-Training: failed runs", own_training, 0, form="{:.0f}")
    board.note(f"the original's: {peer_data} of Create-Data, {peer_training} of Continuous-Training failed")
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
