"""Which DAG trains which pipeline: what the tasks of every DAG say of themselves, in Airflow's record of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from sqlalchemy import func, select

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

__all__ = ["Trainer", "Trainers", "said"]

_SECONDS = 5.0
"""How old what is known may be."""
_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Trainer:
    """A DAG that works on a pipeline, in the steps of its cycle or making its rows."""

    dag_id: str
    pipeline: str
    trains: bool
    """False: it makes the rows."""
    connections: tuple[str | None, ...]
    """The Airflow connections of its database; None: that of the environment. Empty: its pods know."""
    is_stale: bool = False
    """Whether its file is there no more."""


class Trainers:
    """What all DAGs of an Airflow train; each version of a DAG is read once."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._read: dict[tuple[UUID, str], tuple[Trainer, ...]] = {}
        self._found: tuple[Trainer, ...] = ()
        self._until = 0.0
        self._lock = Lock()

    def all(self) -> tuple[Trainer, ...]:
        """Every DAG that works on a pipeline."""
        with self._lock:
            if time.monotonic() >= self._until:
                with create_session() as session:
                    self._found = self._look(session)
                self._until = time.monotonic() + self._seconds
            return self._found

    def of(self, pipeline: str) -> tuple[str, ...]:
        """The ids of the DAGs that train a pipeline: those that are there, else those that were."""
        found = [one for one in self.all() if one.pipeline == pipeline and one.trains]
        there = [one for one in found if not one.is_stale]
        return tuple(one.dag_id for one in there or found)

    def pipelines(self, dag_id: str) -> tuple[str, ...]:
        """The names of the pipelines that a DAG works on."""
        return tuple(dict.fromkeys(one.pipeline for one in self.all() if one.dag_id == dag_id))

    def connections(self) -> frozenset[str | None]:
        """The connections of the databases that the DAGs which are there name."""
        return frozenset(name for one in self.all() if not one.is_stale for name in one.connections)

    def _look(self, session: Session) -> tuple[Trainer, ...]:
        latest = (
            select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
            .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
            .group_by(DagVersion.dag_id)
            .subquery()
        )
        rows = session.execute(
            select(SerializedDagModel.id, SerializedDagModel.dag_hash, DagModel.is_stale)
            .join(DagVersion, SerializedDagModel.dag_version_id == DagVersion.id)
            .join(latest, (DagVersion.dag_id == latest.c.dag_id) & (DagVersion.version_number == latest.c.number))
            .join(DagModel, DagModel.dag_id == SerializedDagModel.dag_id)
            .order_by(SerializedDagModel.dag_id)
        ).all()
        keys = [(row[0], row[1]) for row in rows]
        unread = [key for key in keys if key not in self._read]
        for first in range(0, len(unread), _AT_ONCE):
            wanted = dict(unread[first : first + _AT_ONCE])
            for one in session.scalars(select(SerializedDagModel).where(SerializedDagModel.id.in_(wanted))):
                self._read[one.id, wanted[one.id]] = said(one.dag_id, one.data or {})
                session.expunge(one)
        self._read = {key: self._read[key] for key in keys if key in self._read}
        return tuple(
            one if not stale else Trainer(**{**_fields(one), "is_stale": True})
            for key, stale in zip(keys, (bool(row[2]) for row in rows), strict=True)
            for one in self._read.get(key, ())
        )


def said(dag_id: str, data: Mapping[str, Any]) -> tuple[Trainer, ...]:
    """What a DAG's tasks say that they work on, from the DAG as Airflow has it on record.

    >>> task = {"task_id": "train", "heliotrope": {"pipeline": "clicks", "step": "train", "connection_id": None}}
    >>> said("mine", {"dag": {"tasks": [{"__type": "operator", "__var": task}]}})[0].pipeline
    'clicks'
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in _told(data):
        found.setdefault(str(one["pipeline"]), []).append(one)
    return tuple(
        Trainer(
            dag_id=dag_id,
            pipeline=pipeline,
            trains=any(one.get("step") != "create" for one in told),
            connections=tuple(dict.fromkeys(one["connection_id"] for one in told if "connection_id" in one)),
        )
        for pipeline, told in found.items()
    )


def _told(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for task in data.get("dag", {}).get("tasks", ()):
        fields = task.get("__var", task)
        told = fields.get("heliotrope")
        if isinstance(told, Mapping) and "pipeline" in told:
            yield told


def _fields(trainer: Trainer) -> dict[str, Any]:
    return {name: getattr(trainer, name) for name in Trainer.__slots__}
