"""The manifests as they are, without a cluster: secure, pinned, complete, and without a secret's value."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests import DEPLOY, OVERLAYS, POD, build, laid, pods, unrestricted

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which builds overlays, is not installed"
)

KUBERNETES = ("1.25.0", "1.31.0", "1.37.0")
"""The versions whose schemas are asked; what 1.20 takes, test_cluster.py tries."""
PASSWORD, SUPERUSER = "hush-hush", "more-hush"
URL = f"postgresql://heliotrope:{PASSWORD}@heliotrope-postgres:5432/heliotrope"
FROM_OUTSIDE = {
    ("Secret", "heliotrope-messages"),
    ("Secret", "heliotrope-database"),
    ("ConfigMap", "heliotrope-pipelines"),
}
"""What an overlay may leave to its user; the overlay ``local`` has all but the first, which is optional."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Each overlay, built."""
    folder = laid(tmp_path_factory.mktemp("deploy"), password=PASSWORD, superuser=SUPERUSER, url=URL)
    return {name: build(folder / "overlays" / name) for name in OVERLAYS}


def named(documents: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in documents}


def every_pod(built: Mapping[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    found = [(f"{overlay}: {name}", pod) for overlay in OVERLAYS for name, pod in pods(built[overlay])]
    return [*found, ("pod-template.yaml", dict(POD))]


@pytest.fixture
def schemas() -> Any:
    """The package that has Kubernetes' schemas."""
    return pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_fits_the_schema_of_kubernetes(
    built: dict[str, list[dict[str, Any]]], schemas: Any, version: str
) -> None:
    for document in [*(one for overlay in OVERLAYS for one in built[overlay]), dict(POD)]:
        schemas.validate(document, version, strict=True)


def test_the_schemas_refuse_a_field_that_there_is_not(schemas: Any) -> None:
    wrong = copy.deepcopy(dict(POD))
    wrong["spec"]["readOnlyRoot"] = True
    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, KUBERNETES[-1], strict=True)


def test_every_pod_is_one_that_the_level_restricted_admits(built: dict[str, list[dict[str, Any]]]) -> None:
    assert {name: unrestricted(pod["spec"]) for name, pod in every_pod(built) if unrestricted(pod["spec"])} == {}
    for overlay in OVERLAYS:
        labels = named(built[overlay])["Namespace", "heliotrope"]["metadata"]["labels"]
        assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}


def test_the_check_of_that_level_finds_what_is_wrong() -> None:
    wrong = copy.deepcopy(POD["spec"])
    del wrong["securityContext"]["seccompProfile"]
    wrong["containers"][0]["securityContext"]["capabilities"]["add"] = ["NET_ADMIN"]
    wrong["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
    assert unrestricted(wrong) == ["volume of kind hostPath", "base: seccompProfile", "base: capabilities"]


def test_pods_have_limits_no_token_and_an_image_of_one_version(built: dict[str, list[dict[str, Any]]]) -> None:
    for name, pod in every_pod(built):
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        for container in pod["spec"]["containers"]:
            assert re.fullmatch(r"[a-z./-]+:\d+(\.\d+)+(-[a-z]+)?", container["image"]), (name, container["image"])
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys() & resources["limits"].keys(), name


def test_no_file_holds_a_secret_and_git_takes_none() -> None:
    for file in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            assert document.get("kind") != "Secret", f"{file} is a Secret"
    for example in sorted(DEPLOY.rglob("*.env.example")):
        ignored = subprocess.run(["git", "check-ignore", "-q", str(example.with_suffix(""))], cwd=DEPLOY, check=False)
        assert ignored.returncode == 0, f"{example.with_suffix('')} could be committed"
        text = example.read_text(encoding="utf-8")
        values = [line.partition("=")[2] for line in text.splitlines() if line and not line.startswith("#")]
        assert not any(re.search(r":(?!PASSWORD)[^/@]+@", value) for value in values)


def test_secrets_reach_pods_by_name_alone(built: dict[str, list[dict[str, Any]]]) -> None:
    for overlay in OVERLAYS:
        shown = yaml.safe_dump_all(one for one in built[overlay] if one["kind"] != "Secret")
        assert PASSWORD not in shown
        assert SUPERUSER not in shown
    for name, pod in every_pod(built):
        for container in pod["spec"]["containers"]:
            secret = [one for one in container["env"] if re.search("PASSWORD|URL", one["name"])]
            assert secret, name
            assert all("secretKeyRef" in one["valueFrom"] for one in secret), name


def test_only_postgres_knows_the_superusers_password(built: dict[str, list[dict[str, Any]]]) -> None:
    for name, pod in every_pod(built):
        told = "superuser-password" in str(pod)
        assert told == ("StatefulSet" in name), name


def test_every_name_that_is_referred_to_exists(built: dict[str, list[dict[str, Any]]]) -> None:
    for overlay in OVERLAYS:
        there = set(named(built[overlay]))
        wanted = set()
        for _, pod in [*pods(built[overlay]), ("template", dict(POD))]:
            spec = pod["spec"]
            wanted.add(("ServiceAccount", spec["serviceAccountName"]))
            for volume in spec["volumes"]:
                if "configMap" in volume:
                    wanted.add(("ConfigMap", volume["configMap"]["name"]))
                if "persistentVolumeClaim" in volume:
                    wanted.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
            for container in spec["containers"]:
                wanted |= {
                    ("Secret", one["valueFrom"]["secretKeyRef"]["name"])
                    for one in container["env"]
                    if "secretKeyRef" in one.get("valueFrom", {})
                }
                wanted |= {("Secret", one["secretRef"]["name"]) for one in container.get("envFrom", [])}
        for one in built[overlay]:
            if one["kind"] == "RoleBinding":
                wanted.add((one["roleRef"]["kind"], one["roleRef"]["name"]))
            if one["kind"] == "StatefulSet":
                wanted.add(("Service", one["spec"]["serviceName"]))
        missing = wanted - there - {("ServiceAccount", "default")}
        allowed = FROM_OUTSIDE if overlay == "production" else {("Secret", "heliotrope-messages")}
        assert missing <= allowed, overlay


def test_every_volume_is_mounted_and_every_mount_is_a_volume(built: dict[str, list[dict[str, Any]]]) -> None:
    for name, pod in every_pod(built):
        volumes = {one["name"] for one in pod["spec"]["volumes"]}
        if name.endswith("StatefulSet/heliotrope-postgres"):
            volumes.add("data")
        mounts = {one["name"] for container in pod["spec"]["containers"] for one in container["volumeMounts"]}
        assert mounts == volumes, name


def test_secrets_have_the_keys_that_pods_ask_for(built: dict[str, list[dict[str, Any]]]) -> None:
    there = named(built["hourly"])
    for name, pod in pods(built["hourly"]):
        for container in pod["spec"]["containers"]:
            for one in container["env"]:
                asked = one.get("valueFrom", {}).get("secretKeyRef")
                if asked and not asked.get("optional"):
                    assert asked["key"] in there["Secret", asked["name"]]["data"], name


def test_the_network_is_closed_but_for_what_is_named(built: dict[str, list[dict[str, Any]]]) -> None:
    ways = {
        "local": {"messages", "names", "nothing", "postgres", "rows"},
        "hourly": {"messages", "names", "nothing", "postgres", "rows"},
        "production": {"messages", "names", "nothing", "rows"},
    }
    for overlay in OVERLAYS:
        policies = {one["metadata"]["name"]: one["spec"] for one in built[overlay] if one["kind"] == "NetworkPolicy"}
        assert set(policies) == {f"heliotrope-{name}" for name in ways[overlay]}
        assert policies["heliotrope-nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        labels = [pod["metadata"]["labels"] for _, pod in pods(built[overlay])] + [POD["metadata"]["labels"]]
        for name, policy in policies.items():
            chosen = policy["podSelector"].get("matchLabels", {})
            assert any(chosen.items() <= one.items() for one in labels), f"{name} selects no pod"
            for rule in [*policy.get("ingress", []), *policy.get("egress", [])]:
                assert rule["ports"], f"{name} opens every port"
                assert rule.get("to") or rule.get("from"), f"{name} opens every address"


def test_the_launcher_may_do_what_it_must_and_nothing_else(built: dict[str, list[dict[str, Any]]]) -> None:
    for overlay in OVERLAYS:
        there = named(built[overlay])
        assert not {kind for kind, _ in there} & {"ClusterRole", "ClusterRoleBinding"}
        rules = {tuple(one["resources"]): set(one["verbs"]) for one in there["Role", "heliotrope-launcher"]["rules"]}
        assert rules == {
            ("pods",): {"create", "get", "list", "patch", "delete"},
            ("pods/log",): {"get"},
            ("events",): {"list"},
        }
        [binding] = [one for one in built[overlay] if one["kind"] == "RoleBinding"]
        values = yaml.safe_load((DEPLOY / "airflow-values.yaml").read_text(encoding="utf-8"))
        name = values["scheduler"]["serviceAccount"]["name"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "airflow"}]


def test_the_hourly_pod_is_the_pod_of_a_step_but_for_its_command(built: dict[str, list[dict[str, Any]]]) -> None:
    hourly = dict(pods(built["hourly"]))["CronJob/heliotrope-hourly"]
    spec, template = copy.deepcopy(hourly["spec"]), copy.deepcopy(POD["spec"])
    assert spec["containers"][0].pop("args")[0] == "run"
    del template["containers"][0]["args"]
    assert spec == template
    assert POD["metadata"]["labels"].items() <= hourly["metadata"]["labels"].items()
    job = named(built["hourly"])["CronJob", "heliotrope-hourly"]["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 3600


def test_production_has_no_database_of_its_own_and_shares_its_folder(built: dict[str, list[dict[str, Any]]]) -> None:
    there = named(built["production"])
    assert not {"StatefulSet", "Secret", "Service"} & {kind for kind, _ in there}
    assert there["PersistentVolumeClaim", "heliotrope-home"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_the_pipeline_of_the_overlay_is_the_example() -> None:
    copied = DEPLOY / "kubernetes" / "overlays" / "local" / "pipelines" / "rotating_gaussians.yaml"
    example = DEPLOY.parent / "examples" / "rotating_gaussians.yaml"
    assert copied.read_text(encoding="utf-8") == example.read_text(encoding="utf-8"), "copy the example anew"


def test_without_its_files_of_secrets_the_overlay_says_which_is_missing(tmp_path: Path) -> None:
    folder = laid(tmp_path, password="", superuser="", url="")
    (folder / "overlays" / "local" / "postgres.env").unlink()
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder / "overlays" / "local")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "postgres.env" in done.stderr


def test_no_overlay_is_left_out_here() -> None:
    overlays = {file.parent.name for file in (DEPLOY / "kubernetes" / "overlays").glob("*/kustomization.yaml")}
    assert overlays == set(OVERLAYS)
