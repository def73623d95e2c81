"""One DAG for each pipeline of a folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from heliotrope.airflow.dag import ContinuousTrainingDag
from heliotrope.errors import HeliotropeError

__all__ = ["continuous_training_dags"]

log = logging.getLogger(__name__)

BROKEN = "broken"


def continuous_training_dags(folder: str | Path, **dag_kwargs: Any) -> dict[str, DAG]:
    """A ContinuousTrainingDag for each ``*.yaml`` of the folder, by file name, with the id of that name.

    ``globals().update(continuous_training_dags("/etc/heliotrope/pipelines"))`` is the whole of a DAG file. A file that
    is wrong breaks its own DAG alone: that keeps its id and its history, has the tag ``broken`` and no schedule, and
    says what is wrong, in its description and when it is run.
    """
    found: dict[str, DAG] = {}
    for file in sorted(Path(folder).glob("*.yaml")):
        try:
            found[file.stem] = ContinuousTrainingDag(file.stem, pipeline=file, **dag_kwargs)
        except HeliotropeError as error:
            log.error("%s", error)
            found[file.stem] = _broken(file.stem, error)
    return found


def _broken(dag_id: str, error: HeliotropeError) -> DAG:
    with DAG(dag_id, schedule=None, tags=["heliotrope", BROKEN], doc_md=f"**Broken**: {error}") as dag:

        @task(task_id=BROKEN, retries=0)
        def broken() -> None:
            raise error

        broken()
    return dag
