"""The pages, one module each."""

from heliotrope.web.pages import cycle, languages, overview, pipeline

__all__ = ["ROUTERS"]

ROUTERS = (overview.router, pipeline.router, cycle.router, languages.router)
