"""Champions that the ledger has and the model registry does not have yet, carried over; off the hot path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from heliotrope.context import trusted_packages
from heliotrope.interval import format_time
from heliotrope.ledger import champions

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.records import Champion
    from heliotrope.registry import Registration, Registry

__all__ = ["model_name", "register", "registry_uri"]


def registry_uri(context: Context) -> str:
    """MLflow's address: ``MLFLOW_TRACKING_URI``, else the pipeline's own PostgreSQL."""
    from heliotrope.registry import tracking_uri

    return os.environ.get("MLFLOW_TRACKING_URI") or tracking_uri(context.database.url)


def register(context: Context) -> int:
    """Register every champion that is not yet; how many those were. Nothing is done for ``registry: none``.

    Of segments, which may be thousands, nobody is registered: the ledger has their champions, and the files are kept.

    Each is recorded as soon as MLflow has it. What fails, or is cut off by a kill, is done by the next call, which
    makes no second version of what was already there. Raises RegistryError when MLflow refuses.
    """
    if context.pipeline.registry == "none" or context.segment:
        return 0
    waiting = set(context.ledger.to_register())
    if not waiting:
        return 0
    registry = _registry(context)
    known = champions(context.ledger.connection, context.ledger.pipeline_id, context.segment)
    unregistered = [champion for champion in known if champion.id in waiting]
    for champion in unregistered:
        version = registry.register(_registration(context, champion))
        with context.ledger.transaction():
            context.ledger.add_registration(champion.id, version, registered_at=context.clock())
    return len(unregistered)


def model_name(context: Context) -> str:
    """The name in the registry: the pipeline's."""
    return context.pipeline.name


def _registry(context: Context) -> Registry:
    from heliotrope.registry import Registry

    found = context.scratch.get("registry")
    if not isinstance(found, Registry):
        found = Registry(registry_uri(context), artifact_root=context.folder / "mlflow")
        context.scratch["registry"] = found
    return found


def _registration(context: Context, champion: Champion) -> Registration:
    from heliotrope.registry import Registration

    training = champion.training
    return Registration(
        key=f"{model_name(context)}/{champion.id}/{training.fingerprint[:16]}",
        pipeline=model_name(context),
        candidate=champion.candidate,
        artifact=context.artifacts.path(training.artifact or ""),
        sha256=training.artifact or "",
        valid_from=champion.valid_from,
        trusted_packages=trusted_packages(context.pipeline),
        params={
            "window_start": format_time(training.window.start),
            "window_end": format_time(training.window.end),
            "rows": str(training.rows),
            "seed": str(training.seed),
        },
        metrics=dict(champion.evidence),
        tags={
            "heliotrope.code_version": training.code_version,
            "heliotrope.action": champion.action.value,
            "heliotrope.reasons": "; ".join(champion.reasons),
        },
        versions=training.versions,
    )
