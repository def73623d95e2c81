"""The manifests of deploy/kubernetes as a cluster would get them, and what is asked of every pod."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

__all__ = ["DEPLOY", "OVERLAYS", "POD", "build", "laid", "pods", "unrestricted"]

DEPLOY = Path(__file__).parents[1] / "deploy"
OVERLAYS = ("local", "production", "hourly")
POD: Mapping[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "pod-template.yaml").read_text(encoding="utf-8"))
_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def laid(folder: Path, *, password: str, superuser: str, url: str) -> Path:
    """A copy of the manifests with the two files of secrets that a user makes; in the tree itself there are none."""
    copy = folder / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", copy, ignore=shutil.ignore_patterns("*.env"))
    local = copy / "overlays" / "local"
    (local / "postgres.env").write_text(f"superuser-password={superuser}\npassword={password}\n", "utf-8")
    (local / "database.env").write_text(f"url={url}\n", "utf-8")
    return copy


def build(kustomization: Path) -> list[dict[str, Any]]:
    """What ``kubectl apply -k`` would send."""
    done = subprocess.run(["kubectl", "kustomize", str(kustomization)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # a warning of something deprecated
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def pods(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod that the documents make, as ``kind/name`` and ``{metadata, spec}``."""
    for document in documents:
        name, spec = f"{document['kind']}/{document['metadata']['name']}", document.get("spec", {})
        match document["kind"]:
            case "Pod":
                yield name, dict(document)
            case "CronJob":
                yield name, spec["jobTemplate"]["spec"]["template"]
            case "StatefulSet" | "Deployment" | "DaemonSet" | "Job":
                yield name, spec["template"]


def unrestricted(spec: Mapping[str, Any]) -> list[str]:
    """What the level ``restricted`` of Kubernetes' Pod Security Standards would refuse, and a root file system that
    can be written. Empty where all is well."""
    found = [field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    outer = spec.get("securityContext", {})
    for volume in spec.get("volumes", []):
        found += [f"volume of kind {kind}" for kind in volume.keys() - {"name"} - _VOLUMES]
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        inner = container.get("securityContext", {})
        both = {**outer, **inner}
        wrong = {
            "runAsNonRoot": both.get("runAsNonRoot") is not True,
            "runAsUser": not both.get("runAsUser"),
            "seccompProfile": both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"),
            "allowPrivilegeEscalation": inner.get("allowPrivilegeEscalation") is not False,
            "capabilities": inner.get("capabilities") != {"drop": ["ALL"]},
            "privileged": bool(inner.get("privileged")),
            "readOnlyRootFilesystem": inner.get("readOnlyRootFilesystem") is not True,
            "hostPort": any("hostPort" in port for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {field}" for field, bad in wrong.items() if bad]
    return found
