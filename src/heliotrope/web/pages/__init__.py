"""The pages, one module each."""

from heliotrope.web.pages import champions, compare, cycle, languages, live, overview, pipeline, whatif

__all__ = ["ROUTERS"]

ROUTERS = tuple(one.router for one in (overview, pipeline, cycle, champions, compare, whatif, live, languages))
