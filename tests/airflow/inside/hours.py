"""Hours of DAGs by ``dag.test()``, by whichever Airflow this process has; what came of it as JSON.

``hours.py FOLDER_OF_DAGS HOURS DAG...``. The first half are asked for by their start, as by hand; the others, where
runs have data intervals, by the time of their run.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Any

from airflow import __version__
from heliotrope.airflow.schedule import PARTITIONED

START = datetime.fromisoformat("2026-03-01T00:00:00+00:00")


def bag(folder: str) -> Any:
    """The DAGs of a folder; Airflow 3.3 has moved what reads them."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef] # the same, before 3.2
    return DagBag(folder)


def main(folder: str, hours: int, *dag_ids: str) -> None:
    """Parse, run, tell."""
    states: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for dag_id in dag_ids:
        for hour in range(hours):
            start = START + timedelta(hours=hour)
            asked: dict[str, Any] = {"run_conf": {"start": start.isoformat()}}
            if not PARTITIONED and hour >= hours // 2:
                asked = {"logical_date": start + timedelta(hours=1)}
            found = bag(folder)  # anew: test() keeps in a DAG what a run was asked for
            errors |= {str(file): str(error) for file, error in found.import_errors.items()}
            run = found.dags[dag_id].test(**asked)
            states.setdefault(dag_id, []).append(str(getattr(run.state, "value", run.state)))
    print(json.dumps({"airflow": __version__, "errors": errors, "states": states}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
