"""Where a DAG's steps run, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from heliotrope.errors import ConfigError, nearest

__all__ = ["ExecutionConfig"]

_MODES = ("local", "virtualenv", "kubernetes")


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """Where the steps run.

    ``local``: in the task's own process, by the libraries of Airflow's environment. ``virtualenv``: by another Python,
    so that what trains stays out of Airflow's environment. ``kubernetes``: each in a pod.

    The database is that of ``connection_id``, an Airflow connection, else of the environment that the steps run in
    (``HELIOTROPE_DATABASE_URL`` or ``PG*``). In pods it comes from ``secrets`` alone. Raises ConfigError for options
    that do not fit the mode.
    """

    mode: Literal["local", "virtualenv", "kubernetes"] = "local"
    connection_id: str | None = None
    """local, virtualenv: the Airflow connection of the database."""
    home: str | Path | None = None
    """local, virtualenv: the folder of models and pictures, which every worker sees; else ``HELIOTROPE_HOME``."""
    python: str | Path | None = None
    """virtualenv: the interpreter of an environment that has heliotrope; with ``requirements``, what makes one."""
    requirements: tuple[str, ...] = ()
    """virtualenv: what an environment is made of, heliotrope among it, once under ``home``."""
    image: str | None = None
    """kubernetes: the image that heliotrope is in."""
    namespace: str | None = None
    pipeline_file: str | None = None
    """kubernetes: where the pipeline's YAML is in the pod; else ``/etc/heliotrope/pipelines/`` and its name here."""
    # A mapped task's arguments are kept by Airflow as they are said: nothing of a pod is.
    secrets: tuple[Any, ...] = field(default=(), repr=False)
    """kubernetes: ``airflow.providers.cncf.kubernetes.secret.Secret``, one of them the database's URL."""
    deadline: timedelta = timedelta(hours=2)
    """kubernetes: a pod is ended when it has run for so long."""
    pod: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """kubernetes: any other argument of KubernetesPodOperator, as it is: service account, resources, tolerations."""

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise ConfigError(f"there is no mode {self.mode!r}", remedy=nearest(str(self.mode), _MODES))
        fits = {
            "connection_id": ("local", "virtualenv"),
            "home": ("local", "virtualenv"),
            **dict.fromkeys(("python", "requirements"), ("virtualenv",)),
            **dict.fromkeys(("image", "namespace", "pipeline_file", "secrets", "pod"), ("kubernetes",)),
        }
        for name, modes in fits.items():
            if getattr(self, name) and self.mode not in modes:
                raise ConfigError(f"mode {self.mode} takes no {name}", remedy=f"leave it out, or set mode={modes[0]!r}")
        if self.mode == "virtualenv" and self.python is None and not self.requirements:
            raise ConfigError(
                "mode virtualenv needs python or requirements",
                remedy="name an interpreter, python='/opt/heliotrope/bin/python', or what one is to be made of, "
                "requirements=('heliotrope==0.1.0',)",
            )
        if self.mode == "kubernetes" and not (self.image or {"image", "pod_template_file"} & set(self.pod)):
            raise ConfigError("mode kubernetes needs image", remedy="name the image that `make image` builds")
