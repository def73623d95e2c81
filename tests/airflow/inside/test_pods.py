"""The pods that are asked for: their names, their arguments, their limits; secrets by reference alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import Asset
from airflow.serialization.serialized_objects import DagSerialization

import world
from heliotrope.airflow import ContinuousTrainingDag, CreateDataDag, ExecutionConfig
from heliotrope.airflow.pods import pod_name
from heliotrope.interval import Interval, parse_time

FIVE = Interval(parse_time("2026-11-24T05:00Z"), parse_time("2026-11-24T06:00Z"))
POD: dict[str, Any] = {
    "service_account_name": "heliotrope-training",
    "node_selector": {"disk": "fast"},
    "tolerations": [{"key": "training", "operator": "Exists"}],
    "image_pull_secrets": [{"name": "registry"}],
    "container_resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
    "priority_class_name": "low",
}
DATABASE = Secret("env", "HELIOTROPE_DATABASE_URL", "heliotrope-database", "url")  # type: ignore[no-untyped-call] # Airflow's has no types
WEBHOOK = Secret("env", "HELIOTROPE_WEBHOOK", "heliotrope-messages", "webhook")  # type: ignore[no-untyped-call] # the same


def execution(**options: Any) -> ExecutionConfig:
    settings = {"image": "heliotrope:1", "namespace": "training", "secrets": (DATABASE, WEBHOOK), "pod": POD}
    return ExecutionConfig(mode="kubernetes", **{**settings, **options})


def dag(tmp_path: Path, *, approval: str | None = None, **options: Any) -> Any:
    world.write(tmp_path / "turning.yaml", {**world.PIPELINE, "approval": approval})
    start = datetime(2026, 11, 24, tzinfo=UTC)
    return ContinuousTrainingDag(pipeline=tmp_path / "turning.yaml", execution=execution(**options), start_date=start)


def built(task: Any, monkeypatch: pytest.MonkeyPatch, **context: Any) -> Any:
    """The pod that the task asks for in the run of FIVE."""
    found: list[Any] = []
    run = SimpleNamespace(run_type="scheduled", run_after=FIVE.end)
    whole = {
        "dag": task.dag,
        "dag_run": run,
        "partition_key": "2026-11-24T05:00:00",
        "outlet_events": {asset: SimpleNamespace(extra={}) for asset in task.outlets},
        **context,
    }
    monkeypatch.setattr(KubernetesPodOperator, "hook", SimpleNamespace(is_in_cluster=False))
    monkeypatch.setattr(KubernetesPodOperator, "execute", lambda self, _: found.append(self.build_pod_request_obj()))
    task.execute(whole)
    return found[0]


def test_a_training_is_a_pod_with_a_name_a_deadline_and_no_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = dag(tmp_path, deadline=timedelta(minutes=20)).get_task("train")
    pod = built(task, monkeypatch)
    assert pod.metadata.name == pod_name("turning", "train", FIVE)
    assert pod.metadata.namespace == "training"
    [container] = pod.spec.containers
    assert container.command == ["heliotrope"]
    where = "/etc/heliotrope/pipelines/turning.yaml"
    assert container.args == ["run-step", "train", where, "--start", "2026-11-24T05:00Z"]
    assert container.image == "heliotrope:1"
    assert pod.spec.active_deadline_seconds == 1200
    assert pod.spec.restart_policy == "Never"
    assert (task.durable, task.do_xcom_push, task.deferrable, task.random_name_suffix) == (True, False, False, False)


def test_pod_options_pass_through_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = built(dag(tmp_path).get_task("train"), monkeypatch).spec
    assert spec.service_account_name == "heliotrope-training"
    assert spec.node_selector == {"disk": "fast"}
    assert (spec.tolerations[0].key, spec.tolerations[0].operator) == ("training", "Exists")
    assert spec.image_pull_secrets == [{"name": "registry"}]
    assert spec.containers[0].resources == {"requests": {"cpu": "1", "memory": "1Gi"}}
    assert spec.priority_class_name == "low"


def test_a_pod_template_file_is_the_base_of_every_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "base", "labels": {"team": "ours"}},
        "spec": {"containers": [{"name": "base", "image": "registry.example/heliotrope:7"}], "hostNetwork": False},
    }
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(template))
    options: dict[str, Any] = {"image": None, "pod": {"pod_template_file": str(tmp_path / "pod.yaml")}}
    pod = built(dag(tmp_path, **options).get_task("gate"), monkeypatch)
    assert pod.spec.containers[0].image == "registry.example/heliotrope:7"
    assert pod.metadata.labels["team"] == "ours"
    assert pod.metadata.name == pod_name("turning", "gate", FIVE)


def test_the_name_is_of_the_pipeline_the_step_and_the_interval_and_fits_kubernetes() -> None:
    names = {
        pod_name(pipeline, step, interval)
        for pipeline in ("a" * 63, "a" * 62, "A.b_c", "a-b-c")
        for step in ("train", "gate")
        for interval in (FIVE, FIVE.shift(1))
    }
    assert len(names) == 16
    for name in names:
        assert len(name) <= 63
        assert name == name.lower().strip("-")


def test_secrets_are_named_and_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", "postgresql://ann:hush-hush@db/events")
    whole = dag(tmp_path, approval="required")
    kept = json.dumps(DagSerialization.to_dict(whole))
    said = [kept]
    for task in whole.tasks:
        said += [str(getattr(task, field, "")) for field in task.template_fields]
    for name in ("train", "propose", "gate", "publish", "announce"):
        pod = built(whole.get_task(name), monkeypatch)
        said.append(str(pod.to_dict()))
        variables = {one.name: one for one in pod.spec.containers[0].env}
        assert variables["HELIOTROPE_DATABASE_URL"].value is None
        assert variables["HELIOTROPE_DATABASE_URL"].value_from.secret_key_ref.name == "heliotrope-database"
        assert variables["HELIOTROPE_WEBHOOK"].value_from.secret_key_ref.key == "webhook"
    assert not any("hush-hush" in text for text in said)


def test_what_makes_a_pod_findable_cannot_be_changed(tmp_path: Path) -> None:
    pod = {**POD, "random_name_suffix": True, "do_xcom_push": True, "deferrable": True}
    task = dag(tmp_path, pod=pod).get_task("train")
    assert (task.do_xcom_push, task.deferrable, task.random_name_suffix) == (False, False, False)


def test_an_answer_goes_to_the_gate_and_a_pod_looks_first_whether_there_is_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dag(tmp_path, approval="required")
    assert whole.get_task("propose").upstream_task_ids == {"train"}
    assert whole.get_task("propose").skip_on_exit_code == [10]
    assert whole.get_task("approve").upstream_task_ids == {"propose"}
    gate = whole.get_task("gate")
    assert gate.trigger_rule == "none_failed"
    gate.answer = "approve ann lee"
    assert built(gate, monkeypatch).spec.containers[0].args[-2:] == ["--approve", "ann lee"]
    gate.answer = "None"  # nobody was asked
    assert "--approve" not in built(gate, monkeypatch).spec.containers[0].args


def test_rows_are_waited_for_before_there_is_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.exceptions import AirflowRescheduleException

    world.write(tmp_path / "turning.yaml", world.PIPELINE)
    asset = Asset("rows")
    whole: Any = ContinuousTrainingDag(
        pipeline=tmp_path / "turning.yaml",
        execution=execution(),
        after=asset,
        gaps="once",
        start_date=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert whole.max_active_runs == 1

    class Events(list[Any]):
        def after(self, time: str) -> Events:
            return self

    def told(*starts: str) -> dict[str, Any]:
        events = Events(SimpleNamespace(partition_key=start, extra=None) for start in starts)
        ti = SimpleNamespace(get_first_reschedule_date=lambda context: None)
        return {"inlet_events": {asset: events}, "ti": ti}

    task = whole.get_task("assess")
    with pytest.raises(AirflowRescheduleException):
        built(task, monkeypatch, **told("2026-11-24T04:00:00"))
    there = told("2026-11-24T05:00:00", "2026-11-24T04:00:00")
    arguments = built(task, monkeypatch, **there).spec.containers[0].args
    assert arguments[-3:] == ["--since", "2026-11-24T04:00Z", "--collapse"]


def test_rows_are_created_by_pods_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = {"kind": "stream", "start": "2026-11-24", "intervals": 24, "params": {"rows": 5}}
    world.write(tmp_path / "turning.yaml", {**world.PIPELINE, "dataset": stream})
    whole: Any = CreateDataDag(pipeline=tmp_path / "turning.yaml", execution=execution())
    pod = built(whole.get_task("create_data"), monkeypatch)
    assert pod.spec.containers[0].args[:2] == ["run-step", "create"]
