"""The manifests in a cluster: taken by a real API server, run, and with no more rights than they need.

The cluster is the one that KUBECONFIG names (kind, k3d; with the image loaded), or a real control plane whose node is
emulated, by the tools in the folder HELIOTROPE_CONTROL_PLANE. The emulated node runs pods as processes: it isolates
neither files nor networks, and Kubernetes 1.20 enforces no level of PodSecurity. What the level asks is in
test_manifests.py.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import LAUNCHER, PASSWORD, SPACE, SUPERUSER, Cluster, reason, waited
from manifests import DEPLOY, POD, build, laid

START = "2026-11-01T05:00Z"
EXAMPLE = DEPLOY.parent / "examples" / "rotating_gaussians.yaml"
PIPELINE = "/etc/heliotrope/pipelines/rotating_gaussians.yaml"

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(reason() is not None, reason=reason() or ""),
]


# --- applied -----------------------------------------------------------------------------------------------


def test_the_overlay_for_production_is_taken(cluster: Cluster, tmp_path: Path) -> None:
    folder = laid(tmp_path, password="-", superuser="-", url="-")
    overlay = folder / "overlays" / "tried"
    overlay.mkdir()
    other = {"namespace": "heliotrope-production", "resources": ["../production"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(other), "utf-8")
    try:
        cluster.say("apply", "-k", str(overlay))
        claim = cluster.get("pvc", "heliotrope-home", "-n", "heliotrope-production")
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    finally:
        cluster.call("delete", "namespace", "heliotrope-production", "--wait=false")


def test_a_pod_with_more_rights_is_refused(applied: Cluster) -> None:
    if applied.version < (1, 25):
        pytest.skip("Kubernetes enforces the levels of PodSecurity from 1.25 on")
    wrong = copy.deepcopy(dict(POD))
    wrong["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    done = applied.call("create", "-f", "-", text=json.dumps(wrong))
    assert "violates PodSecurity" in done.stderr


# --- rights ------------------------------------------------------------------------------------------------


def rules(cluster: Cluster, account: str, namespace: str) -> set[tuple[str, str]]:
    """What an account may do, as (resource, verb), but for what every account may."""
    said = cluster.say("auth", "can-i", "--list", "--no-headers", "--as", account, "-n", namespace)
    found = set()
    for line in said.splitlines():
        match = re.match(r"(\S+)\s+\[.*?\]\s+\[.*?\]\s+\[(.*)\]$", line.strip())
        if match and not match[1].startswith(("selfsubject", "[")):
            found |= {(match[1], verb) for verb in match[2].split()}
    return found


def test_the_launcher_may_do_what_it_must_and_nothing_else(applied: Cluster) -> None:
    assert rules(applied, LAUNCHER, SPACE) == {
        *(("pods", verb) for verb in ("create", "get", "list", "patch", "delete")),
        ("pods/log", "get"),
        ("events", "list"),
    }
    for namespace in ("airflow", "default", "kube-system"):
        assert rules(applied, LAUNCHER, namespace) == set()
    for asked in (["get", "secrets"], ["create", "pods", "--subresource=exec"], ["watch", "pods"]):
        assert applied.call("auth", "can-i", *asked, "--as", LAUNCHER, "-n", SPACE).stdout.strip() == "no"


def test_the_pods_own_account_may_do_nothing(applied: Cluster) -> None:
    assert rules(applied, f"system:serviceaccount:{SPACE}:heliotrope-training", SPACE) == set()


# --- run ---------------------------------------------------------------------------------------------------


def test_the_database_is_a_real_one_whose_user_is_no_superuser(applied: Cluster) -> None:
    script = (
        "import os, psycopg\n"
        "with psycopg.connect(os.environ['HELIOTROPE_DATABASE_URL']) as c:\n"
        "    print(c.execute('SHOW server_version_num').fetchone()[0], c.execute('SELECT rolsuper, rolcreaterole, "
        "rolcreatedb FROM pg_roles WHERE rolname = current_user').fetchone(), c.info.user)\n"
    )
    phase, log = applied.launched("asks-the-database", "-c", script, program="python3")
    assert phase == "Succeeded", log
    version, _, rest = log.strip().partition(" ")
    assert int(version) >= 180000
    assert rest == "(False, False, False) heliotrope"


def test_a_wrong_password_is_refused_and_never_said(applied: Cluster) -> None:
    script = (
        "import os\n"
        f"url = os.environ['HELIOTROPE_DATABASE_URL'].replace({PASSWORD[:4]!r}, 'wrong')\n"
        "os.execvpe('heliotrope', ['heliotrope', 'status'], {**os.environ, 'HELIOTROPE_DATABASE_URL': url})\n"
    )
    phase, log = applied.launched("has-a-wrong-password", "-c", script, program="python3")
    assert phase == "Failed"
    assert "password authentication failed" in log
    assert PASSWORD[4:] not in log


def test_a_cycle_runs_in_pods_that_the_launcher_starts(applied: Cluster) -> None:
    def step(name: str, *arguments: str, attempt: int = 1) -> str:
        phase, log = applied.launched(f"step-{name}-{attempt}", "run-step", name, PIPELINE, *arguments)
        assert phase == "Succeeded", log
        return log

    assert "wrote 900 rows" in step("create", "--start", START)
    cycle = re.search(r"cycle (\d+) of", step("assess", "--start", START))
    assert cycle is not None
    assert "trained" in step("train", "--cycle", cycle[1])
    assert "nothing was to be trained" not in step("train", "--cycle", cycle[1], attempt=2)
    assert "promote" in step("gate", "--cycle", cycle[1])
    assert "registered 1 champion" in step("publish", "--cycle", cycle[1])


def test_what_is_on_record_outlives_the_databases_pod(applied: Cluster) -> None:
    before = applied.ready()
    assert before is not None
    phase, told = applied.launched("looks-before", "champion", "rotating_gaussians", "--json")
    assert phase == "Succeeded", told
    applied.say("delete", "pod", "heliotrope-postgres-0", "-n", SPACE)
    waited(lambda: (now := applied.ready()) and now != before, "PostgreSQL is ready anew", 120)
    assert applied.launched("looks-after", "champion", "rotating_gaussians", "--json") == ("Succeeded", told)


def test_the_superusers_password_is_given_to_the_database_alone(applied: Cluster) -> None:
    script = "import os; print(sorted(n for n in os.environ if 'PASSWORD' in n), os.getuid())"
    phase, log = applied.launched("looks-around", "-c", script, program="python3")
    assert (phase, log.strip()) == ("Succeeded", f"[] {POD['spec']['securityContext']['runAsUser']}")


# --- by Airflow --------------------------------------------------------------------------------------------

_DAG = """
from datetime import UTC, datetime
from heliotrope.airflow import ContinuousTrainingDag, ExecutionConfig

dag = ContinuousTrainingDag(
    {name!r},
    pipeline={pipeline!r},
    execution=ExecutionConfig(
        mode="kubernetes",
        namespace="heliotrope",
        pipeline_file={inside!r},
        pod={{"pod_template_file": {template!r}, "config_file": {kubeconfig!r}, "in_cluster": False}},
    ),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    default_args={{"retries": 0}},
)
"""


@pytest.mark.skipif(importlib.util.find_spec("airflow") is None, reason="pip install 'heliotrope[airflow]'")
def test_airflow_runs_a_cycle_in_pods_with_the_launchers_rights_alone(applied: Cluster, tmp_path: Path) -> None:
    later = START.replace("05:00", "07:00")
    assert applied.launched("makes-rows", "run-step", "create", PIPELINE, "--start", later)[0] == "Succeeded"
    kubeconfig = yaml.safe_load(Path(applied.kubeconfig).read_text(encoding="utf-8"))
    token = applied.say("create", "token", "airflow-scheduler", "-n", "airflow").strip()
    for user in kubeconfig["users"]:
        user["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig), "utf-8")
    (tmp_path / "dags").mkdir()
    told = {"template": DEPLOY / "kubernetes" / "pod-template.yaml", "kubeconfig": tmp_path / "kubeconfig"}
    for name, inside in {"pods": None, "no_pipeline": "/etc/heliotrope/pipelines/none.yaml"}.items():
        places = {key: str(place) for key, place in told.items()}
        text = _DAG.format(name=name, inside=inside, pipeline=str(EXAMPLE), **places)
        (tmp_path / "dags" / f"{name}.py").write_text(text, "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
    environment |= {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags")}

    def airflow(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)

    assert airflow("db", "migrate").returncode == 0
    done = airflow("dags", "test", "pods", "--conf", json.dumps({"start": later}))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    assert "state=success" in said, said[-6000:]
    assert "forbidden" not in said.lower(), said[-6000:]
    assert PASSWORD not in said
    phase, history = applied.launched("looks-at-history", "history", "rotating_gaussians", "--json")
    assert phase == "Succeeded"
    assert later.removesuffix("Z") in history
    failed = airflow("dags", "test", "no_pipeline", "--conf", json.dumps({"start": later}))
    said = failed.stdout + failed.stderr
    assert "there is no file" in said, said[-6000:]
    assert "state=failed" in said, said[-6000:]
    assert "forbidden" not in said.lower(), said[-6000:]
    left = applied.say("get", "pods", "-n", SPACE, "-l", "app.kubernetes.io/component=training", "-o", "name")
    assert left == ""


# --- by a CronJob ------------------------------------------------------------------------------------------


def test_the_cron_job_calls_a_cycle_and_what_was_missed(applied: Cluster, tmp_path: Path) -> None:
    """The overlay without Airflow, its CronJob called every minute in place of every hour."""
    folder = laid(tmp_path, password=PASSWORD, superuser=SUPERUSER, url="-")
    job = next(one for one in build(folder / "overlays" / "hourly") if one["kind"] == "CronJob")
    job["spec"]["schedule"] = "* * * * *"
    if applied.version < (1, 21):
        job["apiVersion"] = "batch/v1beta1"  # the same object, as it was called before
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    rows = [last - timedelta(hours=1), last]
    for number, hour in enumerate(rows):
        start = f"{hour:%Y-%m-%dT%H:%MZ}"
        assert applied.launched(f"fills-{number}", "run-step", "create", PIPELINE, "--start", start)[0] == "Succeeded"
    applied.say("apply", "-f", "-", text=json.dumps(job))

    def called() -> Any:
        jobs = applied.get("job", "-n", SPACE)
        return next((one for one in (jobs or {"items": []})["items"] if one["status"].get("succeeded")), None)

    try:
        done = waited(called, "the CronJob's first job succeeds", 300)
        log = applied.say("logs", f"job/{done['metadata']['name']}", "-n", SPACE)
    finally:
        applied.call("delete", "cronjob", job["metadata"]["name"], "-n", SPACE)
    assert done["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    assert "done" in log
    phase, history = applied.launched("looks-at-the-hours", "history", "rotating_gaussians", "--json")
    assert phase == "Succeeded"
    assert all(f"{hour:%Y-%m-%dT%H:%M}" in history for hour in rows)
