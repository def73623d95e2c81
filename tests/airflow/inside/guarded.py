"""An auth manager of tests: Airflow's simple one, in which some users may not read every DAG."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

__all__ = ["GuardedAuthManager"]

DAGS = {"hank": ("sales",)}
"""By user: the only DAGs that there are for them."""


class GuardedAuthManager(SimpleAuthManager):
    """Knows, of some users, the only DAGs that they may read or change."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """As the simple one, of those."""
        mine = DAGS.get(user.get_name())
        if mine is not None and details is not None and details.id is not None and details.id not in mine:
            return False
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))
