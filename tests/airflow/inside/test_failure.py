"""Why a pod failed, and what its task does about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException
from kubernetes.client import models as k8s  # type: ignore[import-untyped] # it has no types
from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped] # the same

import world
from heliotrope.airflow import ContinuousTrainingDag, ExecutionConfig
from heliotrope.airflow.failure import failure_of


def pod(
    phase: str = "Failed",
    *,
    reason: str | None = None,
    message: str | None = None,
    deleted: datetime | None = None,
    code: int | None = None,
    why: str = "Error",
    waiting: tuple[str, str] | None = None,
) -> Any:
    """A pod of the API, with one container that ended or waits."""
    state = k8s.V1ContainerState(
        terminated=None if code is None else k8s.V1ContainerStateTerminated(exit_code=code, reason=why),
        waiting=None if waiting is None else k8s.V1ContainerStateWaiting(reason=waiting[0], message=waiting[1]),
    )
    container = k8s.V1ContainerStatus(name="base", image="i", image_id="i", ready=False, restart_count=0, state=state)
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="step", namespace="n", labels={}, deletion_timestamp=deleted),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")], active_deadline_seconds=20),
        status=k8s.V1PodStatus(phase=phase, reason=reason, message=message, container_statuses=[container]),
    )


@pytest.mark.parametrize(
    ("found", "step", "said", "for_good"),
    [
        (None, "train", "it was deleted while it ran", False),
        (pod(code=143, deleted=datetime.now(UTC)), "train", "it was deleted while it ran", False),
        (pod(reason="DeadlineExceeded", code=137), "train", "DeadlineExceeded: it was ended after 20 s", True),
        (pod(reason="Evicted", message="the node was low on memory"), "train", "low on memory", False),
        (pod("Pending", waiting=("ErrImagePull", "no such tag")), "train", "start: ErrImagePull: no such tag", False),
        (pod(code=137, why="OOMKilled"), "train", "OOMKilled: it took more memory than limits.memory", False),
        (pod(code=137), "train", "it was killed by signal 9", False),
        (pod(code=2), "train", "it ended with exit code 2", True),
        (pod(code=4), "train", "it ended with exit code 4", False),
        (pod(code=5), "train", "it ended with exit code 5", False),
        (pod(code=5), "gate", "it ended with exit code 5", True),
        (pod("Running"), "train", "it is Running", False),
    ],
)
def test_why_a_pod_failed_is_a_line_and_whether_another_try_would_help(
    found: Any, step: str, said: str, for_good: bool
) -> None:
    failure = failure_of(found, step)
    assert said in failure.why
    assert "\n" not in failure.why
    assert failure.for_good is for_good


class Ended:
    """A task whose pod is as the API says; what was deleted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, now: Any) -> None:
        world.write(folder / "turning.yaml", {**world.PIPELINE, "approval": "required"})
        execution = ExecutionConfig(mode="kubernetes", image="heliotrope:1", namespace="n")
        start = datetime(2026, 3, 1, tzinfo=UTC)
        dag = ContinuousTrainingDag(pipeline=folder / "turning.yaml", execution=execution, start_date=start)
        self.task: Any = dag.get_task(step)
        self.deleted: list[str] = []

        def get_pod(name: str, namespace: str) -> Any:
            if isinstance(now, Exception):
                raise now
            return now

        manager = SimpleNamespace(
            delete_pod=lambda pod: self.deleted.append(pod.metadata.name),
            read_pod=lambda pod: get_pod("", ""),
            read_pod_events=lambda pod: SimpleNamespace(items=[]),
        )
        client = SimpleNamespace(patch_namespaced_pod=lambda **_: None)
        monkeypatch.setattr(KubernetesPodOperator, "hook", SimpleNamespace(get_pod=get_pod))
        monkeypatch.setattr(KubernetesPodOperator, "pod_manager", manager)
        monkeypatch.setattr(KubernetesPodOperator, "client", client)
        monkeypatch.setattr(KubernetesPodOperator, "is_istio_enabled", lambda self, pod: False)

    def clean(self, then: Any, *, tries: tuple[int, int] = (1, 3)) -> None:
        """As at the end of a try, whose pod was as ``then`` when it was last looked at."""
        ti = SimpleNamespace(try_number=tries[0], max_tries=tries[1])
        self.task.cleanup(then, then, None, {"ti": ti})


def test_a_pod_that_failed_is_removed_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Ended(tmp_path, monkeypatch, "train", pod(code=137))
    with pytest.raises(AirflowException, match="pod step failed: it was killed by signal 9"):
        task.clean(pod(code=137))
    assert task.deleted == ["step"]
    with pytest.raises(AirflowFailException, match="exit code 2"):
        task.clean(pod(code=2))


def test_a_pod_that_is_gone_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Ended(tmp_path, monkeypatch, "train", ApiException(status=404))
    with pytest.raises(AirflowException, match="pod step failed: it was deleted while it ran"):
        task.clean(pod("Running"))


def test_a_pod_that_runs_on_is_left_to_the_next_try_but_not_after_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Ended(tmp_path, monkeypatch, "train", pod("Running"))
    with pytest.raises(AirflowException, match="pod step runs on, and the next try goes on with it"):
        task.clean(pod("Pending"))
    assert task.deleted == []
    with pytest.raises(AirflowException, match="it is Running, and was not waited for any longer"):
        task.clean(pod("Pending"), tries=(4, 3))
    assert task.deleted == ["step"]


def test_where_the_api_server_is_away_the_pod_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Ended(tmp_path, monkeypatch, "train", ConnectionError("refused"))
    with pytest.raises(AirflowException, match="the API server does not answer"):
        task.clean(pod("Running"))
    assert task.deleted == []


def test_nothing_to_approve_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Ended(tmp_path, monkeypatch, "propose", pod(code=10))
    with pytest.raises(AirflowSkipException):
        task.clean(pod(code=10))


def test_a_pod_that_is_being_deleted_is_let_go_before_another_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Ended(tmp_path, monkeypatch, "train", None)
    answers = [pod("Running", deleted=datetime.now(UTC)), pod("Running", deleted=datetime.now(UTC)), None]
    monkeypatch.setattr(type(task.task), "_pod", lambda self, name, namespace: answers.pop(0))
    monkeypatch.setattr("heliotrope.airflow.pods.time.sleep", lambda seconds: None)
    monkeypatch.setattr(KubernetesPodOperator, "get_or_create_pod", lambda self, asked, context: asked)
    asked = pod()
    assert task.task.get_or_create_pod(asked, {}) is asked
    assert answers == []
