"""The pipelines in numbers, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.web.page import Asked

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(page: Asked) -> Response:
    """Those that the visitor may see."""
    from heliotrope.metrics import CONTENT_TYPE, openmetrics

    may_read = page.visitor.may_read
    with page.reading() as connection:
        text = openmetrics(connection, now=page.site.clock(), shown=lambda name: not name or may_read(name))
    return Response(text, media_type=CONTENT_TYPE)
