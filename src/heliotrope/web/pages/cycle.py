"""One cycle in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.interval import parse_time
from heliotrope.ledger import declarations
from heliotrope.ledger.history import training_from
from heliotrope.ledger.overview import Score, choices, messages, neighbours, scores, steps
from heliotrope.sql import statement
from heliotrope.web.page import Asked, cycle_at

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/pipelines/{name}/cycles/{start}")
def cycle(page: Asked, name: str, start: str, segment: str = "") -> Response:
    """All that the ledger has of it."""
    moment = parse_time(start)
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        one = cycle_at(connection, subject, moment)
        identity = {"cycle_id": one.id}
        trainings = [
            (row[2], training_from(row), row[12])
            for row in connection.execute(statement("cycle_trainings"), identity).fetchall()
        ]
        readings = connection.execute(statement("cycle_drift"), identity).fetchall()
        revisions = connection.execute(statement("batch_revisions"), identity).fetchall()
        before, after = neighbours(connection, *subject.key, moment)
        declared = next((said for said in declarations(connection, *subject.key) if said.id == one.declaration), None)
        values: dict[str, Any] = {
            "scores": scores(connection, one.id),
            "choices": choices(connection, one.id),
            "steps": steps(connection, one.id),
            "messages": messages(connection, one.id),
        }
    return page.render(
        "cycle.html",
        subject=subject,
        cycle=one,
        trainings=trainings,
        readings=readings,
        revisions=revisions,
        before=before,
        after=after,
        declared=declared,
        metrics=_metrics(values["scores"], subject.pipeline.metric),
        **values,
    )


def _metrics(found: Sequence[Score], first: str) -> list[str]:
    """The names of all metrics, the pipeline's own first."""
    names = dict.fromkeys([first])
    for one in found:
        names |= dict.fromkeys(one.metrics)
    return list(names)
