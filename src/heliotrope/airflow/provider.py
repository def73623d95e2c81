"""What Airflow is told of this provider; found by the entry point ``apache_airflow_provider``."""

from __future__ import annotations

from typing import Any

from heliotrope import __version__

__all__ = ["get_provider_info"]


def get_provider_info() -> dict[str, Any]:
    """The provider's name, version and connection type, as ``airflow providers list`` shows them.

    >>> get_provider_info()["package-name"]
    'heliotrope'
    """
    return {
        "package-name": "heliotrope",
        "name": "heliotrope",
        "description": "Keeps a model true while its data turns: test, measure drift, retrain, gate, promote, record.",
        "versions": [__version__],
    }
