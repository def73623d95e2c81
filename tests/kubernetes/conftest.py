"""The cluster that the tests here share, and the manifests applied to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import KUBECONFIG, PASSWORD, SPACE, SUPERUSER, TOOLS, Cluster, own_cluster, user_of_postgres, waited
from manifests import POD, build, laid, pods


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, with nothing of ours in it."""
    if TOOLS:
        folder = laid(tmp_path_factory.mktemp("images"), password="-", superuser="-", url="-")
        [database] = [pod["spec"]["containers"][0]["image"] for _, pod in pods(build(folder / "postgres"))]
        with own_cluster(Path(TOOLS), POD["spec"]["containers"][0]["image"], database) as found:
            yield found
        return
    assert KUBECONFIG is not None
    found = Cluster(KUBECONFIG)
    for name in (SPACE, "airflow"):
        if found.get("namespace", name):
            pytest.skip(f"the cluster has a namespace {name}: these tests use one of their own, and delete it")
    yield found
    found.call("delete", "namespace", SPACE, "airflow", "--wait=false")


@pytest.fixture(scope="session")
def applied(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The overlay ``local`` applied, and its PostgreSQL ready; the account that Airflow's tasks run under."""
    host = "heliotrope-postgres:5432" if cluster.port is None else f"127.0.0.1:{cluster.port}"
    url = f"postgresql://heliotrope:{PASSWORD}@{host}/heliotrope"
    folder = laid(tmp_path_factory.mktemp("deploy"), password=PASSWORD, superuser=SUPERUSER, url=url)
    overlay = folder / "overlays" / "tried"
    overlay.mkdir()
    kustomization: dict[str, Any] = {"resources": ["../local"]}
    if cluster.port is not None:
        # On the emulated node all pods share the machine's ports and accounts.
        port = {"name": "PGPORT", "value": str(cluster.port)}
        pod = "/spec/template/spec"
        patch = [
            {"op": "add", "path": f"{pod}/containers/0/env/-", "value": port},
            {"op": "replace", "path": f"{pod}/securityContext/runAsUser", "value": user_of_postgres()},
        ]
        kustomization["patches"] = [{"target": {"kind": "StatefulSet"}, "patch": yaml.safe_dump(patch)}]
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), "utf-8")
    cluster.say("apply", "-k", str(overlay))
    cluster.say("apply", "-k", str(overlay))  # a second time changes nothing
    cluster.say("create", "namespace", "airflow")
    cluster.say("create", "serviceaccount", "airflow-scheduler", "-n", "airflow")
    cluster.say("create", "secret", "generic", "heliotrope-messages", "-n", SPACE, "--from-literal=DISCORD=json://none")
    waited(cluster.ready, "PostgreSQL is ready", 180)
    return cluster
