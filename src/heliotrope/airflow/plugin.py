"""The plugin: heliotrope's pages inside Airflow's, and a link from every task to its cycle.

Found by the entry point ``airflow.plugins``. Every process of Airflow imports this, also one that only parses a DAG:
the pages themselves are imported by the API server alone.
"""

from __future__ import annotations

import logging
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CYCLE", "PREFIX", "HeliotropePlugin", "root"]

log = logging.getLogger(__name__)

PREFIX = "/heliotrope"
"""Where the pages are, below Airflow's own address."""
CYCLE = "heliotrope-cycle"
"""What Airflow calls the view of a run's cycle, in the address of its page."""
_NEEDED = ("jinja2", "numpy", "psycopg", "pyarrow", "python_multipart", "yaml")
"""What the pages import that an environment with the DAGs' part of heliotrope alone may not have."""
_REMEDY = "pip install '.[airflow,ui]' in a clone of heliotrope, where the API server runs"


def root() -> str:
    """The path that Airflow is below; empty when it is at the root of its host."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


class HeliotropePlugin(AirflowPlugin):
    """The pages, as a view of Airflow as a whole, of each DAG and of each run."""

    name = "heliotrope"

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override] # made when it is asked for
        """The app of the pages; none where its libraries are not there, which is said and breaks nothing."""
        missing = _missing()
        if missing:
            log.warning("no pages of heliotrope, as %s cannot be imported; %s", ", ".join(missing), _REMEDY)
            return []
        try:
            from heliotrope.airflow.pages import Pages
        except ImportError as error:
            log.warning("no pages of heliotrope: %s; %s", error, _REMEDY)
            return []
        return [{"app": Pages(), "url_prefix": PREFIX, "name": "heliotrope"}]

    @cached_property
    def external_views(self) -> list[Any]:  # type: ignore[override] # made when it is asked for
        """A view in Airflow's navigation, one beside each DAG, one beside each run."""
        if not self.fastapi_apps:
            return []
        at = f"{root()}{PREFIX}"
        return [
            {"name": "heliotrope", "icon": f"{at}/static/icon.svg", "destination": to, "url_route": route, "href": href}
            for to, route, href in (
                ("nav", "heliotrope", f"{at}/"),
                ("dag", "heliotrope-pipeline", f"{at}/dags/{{DAG_ID}}"),
                ("dag_run", CYCLE, f"{at}/dags/{{DAG_ID}}/runs/{{RUN_ID}}"),
            )
        ]

    @cached_property
    def operator_extra_links(self) -> list[Any]:  # type: ignore[override] # made when it is asked for
        """From a task to its cycle, where there are pages."""
        if _missing():
            return []
        from heliotrope.airflow.links import CycleLink

        return [CycleLink()]


def _missing() -> Sequence[str]:
    return [name for name in _NEEDED if find_spec(name) is None]
