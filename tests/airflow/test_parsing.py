"""What a DAG's file costs, imports and says, parsed as Airflow parses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import world
from heliotrope.airflow import ExecutionConfig
from heliotrope.errors import ConfigError
from installation import DAGS

HEAVY = ("sklearn", "matplotlib", "mlflow", "pyarrow", "scipy", "pandas", "skrub", "psycopg", "kubernetes")


BAG = """
import json, logging, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(FOLDER, bundle_name='dags-folder')
"""


def test_parsing_the_dags_takes_little_over_airflows_own_imports_and_brings_nothing_heavy(
    python: Callable[..., Any],
) -> None:
    """The seconds are those of this process alone, so that a busy machine does not matter; the best of three."""
    program = f"""
import json, runpy, sys, time
from airflow.sdk import DAG, Asset, BaseOperator, CronPartitionTimetable, Param, TaskGroup
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
begun = time.process_time()
for name in ("create_data.py", "continuous_training.py"):
    runpy.run_path({str(DAGS)!r} + "/" + name)
seconds = time.process_time() - begun
brought = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps([seconds, sorted(brought & set({HEAVY!r}))]))
"""
    found = [python(program) for _ in range(3)]
    assert [brought for _, brought in found] == [[]] * 3
    assert min(seconds for seconds, _ in found) <= 0.3


def test_both_dags_are_the_originals(python: Callable[..., Any]) -> None:
    found = python(
        BAG.replace("FOLDER", repr(str(DAGS)))
        + """
print(json.dumps([bag.import_errors, {
    dag.dag_id: {
        "tags": sorted(dag.tags), "catchup": dag.catchup, "runs": dag.max_active_runs,
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "schedule": type(dag.schedule).__name__, "start": str(dag.start_date), "end": str(dag.end_date),
    } for dag in bag.dags.values()
}]))
"""
    )
    errors, dags = found
    assert errors == {}
    assert dags["Create-Data"] == {
        "tags": ["Data Engineering", "MLOps"],
        "catchup": True,
        "runs": 12,
        "tasks": {"create_data": []},
        "schedule": "CronPartitionTimetable",
        "start": "2026-11-01 01:00:00+00:00",
        "end": "2026-11-03 00:00:00+00:00",
    }
    training = dags["Continuous-Training"]
    assert training["tags"] == ["Continuous Training", "MLOps"]
    assert training["tasks"] == {
        "assess": ["announce", "train"],
        "announce": ["gate"],
        "train": ["gate"],
        "gate": ["publish"],
        "publish": [],
    }


def test_serialised_dags_are_the_same_over_twenty_parses(python: Callable[..., Any]) -> None:
    found = python(
        """
import json, logging
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
seen = set()
for _ in range(20):
    bag = DagBag(FOLDER, bundle_name='dags-folder')
    assert not bag.import_errors, bag.import_errors
    dags = {name: DagSerialization.to_dict(dag) for name, dag in sorted(bag.dags.items())}
    seen.add(json.dumps(dags, sort_keys=True, default=str))
print(json.dumps([len(seen), sorted(dags)]))
""".replace("FOLDER", repr(str(DAGS)))
    )
    assert found == [1, ["Continuous-Training", "Create-Data"]]


def test_a_broken_yaml_breaks_its_own_dag_alone(python: Callable[..., Any], tmp_path: Path) -> None:
    pipelines, dags = tmp_path / "pipelines", tmp_path / "dags"
    pipelines.mkdir()
    dags.mkdir()
    for name in ("clicks", "sales"):
        (pipelines / f"{name}.yaml").write_text(yaml.safe_dump({**world.PIPELINE, "name": name}))
    (pipelines / "wrong.yaml").write_text(yaml.safe_dump({**world.PIPELINE, "intervall": "1h"}))
    (dags / "all.py").write_text(
        "from datetime import UTC, datetime\n"
        "from heliotrope.airflow import continuous_training_dags\n"
        f"globals().update(continuous_training_dags({str(pipelines)!r}, start_date=datetime(2026, 3, 1, tzinfo=UTC)))\n"
    )
    errors, found = python(
        BAG.replace("FOLDER", repr(str(dags)))
        + """
print(json.dumps([bag.import_errors, {
    dag.dag_id: [sorted(dag.tags), [task.task_id for task in dag.tasks], dag.doc_md] for dag in bag.dags.values()
}]))
"""
    )
    assert errors == {}
    whole = ["assess", "announce", "train", "gate", "publish"]
    assert found["clicks"] == found["sales"] == [["heliotrope"], whole, None]
    tags, tasks, said = found["wrong"]
    assert (tags, tasks) == (["broken", "heliotrope"], ["broken"])
    assert "intervall" in said
    assert "did you mean 'interval'?" in said


def test_a_task_group_has_a_place_in_a_dag_of_ones_own(python: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "clicks.yaml").write_text(yaml.safe_dump({**world.PIPELINE, "approval": "required"}))
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "mine.py").write_text(
        "from datetime import UTC, datetime\n"
        "from airflow.sdk import DAG, CronDataIntervalTimetable, task\n"
        "from heliotrope.airflow import ContinuousTrainingTaskGroup\n"
        "with DAG('mine', schedule=CronDataIntervalTimetable('0 * * * *', timezone='UTC'),"
        " start_date=datetime(2026, 3, 1, tzinfo=UTC)):\n"
        "    @task\n"
        "    def load(): ...\n"
        "    @task\n"
        "    def deploy(): ...\n"
        f"    load() >> ContinuousTrainingTaskGroup(pipeline={str(tmp_path / 'clicks.yaml')!r}) >> deploy()\n"
    )
    errors, tasks = python(
        BAG.replace("FOLDER", repr(str(tmp_path / "dags")))
        + "tasks = {one.task_id: sorted(one.downstream_task_ids) for one in bag.dags['mine'].tasks}\n"
        + "print(json.dumps([bag.import_errors, tasks]))\n"
    )
    assert errors == {}
    group = "continuous_training."
    assert tasks["load"] == [f"{group}assess"]
    assert tasks[f"{group}train"] == [f"{group}approve"]
    assert tasks[f"{group}approve"] == [f"{group}gate"]
    assert tasks[f"{group}publish"] == ["deploy"]


def test_segments_are_mapped_tasks_after_the_gate(python: Callable[..., Any], tmp_path: Path) -> None:
    """Of pods too, of whose options nothing is in what Airflow keeps of a mapped task."""
    (tmp_path / "stores.yaml").write_text(yaml.safe_dump({**world.PIPELINE, "partition_by": "store"}))
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "stores.py").write_text(
        "from datetime import UTC, datetime\n"
        "from airflow.providers.cncf.kubernetes.secret import Secret\n"
        "from heliotrope.airflow import ContinuousTrainingDag, ExecutionConfig\n"
        f"given = {{'pipeline': {str(tmp_path / 'stores.yaml')!r}, 'start_date': datetime(2026, 3, 1, tzinfo=UTC)}}\n"
        "workers = ContinuousTrainingDag('workers', **given)\n"
        "few = ContinuousTrainingDag('few', parts=2, **given)\n"
        "pods = ContinuousTrainingDag('pods', **given, execution=ExecutionConfig(mode='kubernetes', image='image:1',"
        " secrets=(Secret('env', 'HELIOTROPE_DATABASE_URL', 'hidden', 'url'),), pod={'env_vars': {'A': 'hidden'}}))\n"
    )
    program = (
        BAG.replace("FOLDER", repr(str(tmp_path / "dags")))
        + """
from airflow.serialization.serialized_objects import DagSerialization
said = {name: json.dumps(DagSerialization.to_dict(dag), sort_keys=True) for name, dag in bag.dags.items()}
tasks = {name: {one.task_id: sorted(one.downstream_task_ids) for one in dag.tasks} for name, dag in bag.dags.items()}
mapped = {name: dag.get_task("segments").partial_kwargs for name, dag in bag.dags.items()}
print(json.dumps([bag.import_errors, tasks, said, {name: str(one) for name, one in mapped.items()}]))
"""
    )
    errors, tasks, said, mapped = python(program)
    assert errors == {}
    assert tasks["workers"]["gate"] == ["divide", "publish"]
    assert tasks["workers"]["divide"] == ["segments"]
    assert tasks["few"]["gate"] == tasks["pods"]["gate"] == ["publish", "segments"]
    assert '"1/2", "2/2"' in said["few"]
    assert '"4/4"' in said["pods"]
    assert "hidden" not in mapped["pods"]
    assert python(program)[2] == said


def test_the_provider_is_listed(python: Callable[..., Any]) -> None:
    found = python(
        "import json\n"
        "from airflow.providers_manager import ProvidersManager\n"
        "info = ProvidersManager().providers['heliotrope']\n"
        "print(json.dumps([info.version, info.data['name']]))\n"
    )
    from heliotrope import __version__

    assert found == [__version__, "heliotrope"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "localy"}, "there is no mode 'localy'"),
        ({"mode": "virtualenv"}, "mode virtualenv needs python or requirements"),
        ({"mode": "local", "requirements": ("heliotrope",)}, "mode local takes no requirements"),
        ({"mode": "kubernetes"}, "mode kubernetes needs image"),
        ({"mode": "local", "image": "x"}, "mode local takes no image"),
        ({"mode": "kubernetes", "image": "x", "connection_id": "db"}, "mode kubernetes takes no connection_id"),
    ],
)
def test_options_that_do_not_fit_the_mode_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ExecutionConfig(**options)
