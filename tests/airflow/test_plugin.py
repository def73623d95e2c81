"""What the plugin costs where nobody looks at pages, and what it does where they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HEAVY = ("fastapi", "numpy", "psycopg", "pyarrow", "sklearn", "matplotlib", "mlflow", "scipy", "kubernetes", "yaml")
SHOWN = """
import json, logging, sys
from airflow import plugins_manager
plugin = next(one for one in plugins_manager._get_plugins()[0] if one.name == "heliotrope")
print(json.dumps([len(plugin.fastapi_apps), len(plugin.external_views), len(plugin.operator_extra_links)]))
"""


def test_every_process_of_airflow_loads_it_for_next_to_nothing(python: Callable[..., Any]) -> None:
    """The seconds are those of this process alone; the best of three."""
    program = f"""
import json, sys, time
import airflow.plugins_manager, heliotrope
from airflow.sdk import BaseOperatorLink
before = set(sys.modules)
begun = time.process_time()
import heliotrope.airflow.plugin
seconds = time.process_time() - begun
links = heliotrope.airflow.plugin.HeliotropePlugin().operator_extra_links
brought = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps([seconds, sorted(brought & set({HEAVY!r})), len(links)]))
"""
    found = [python(program) for _ in range(3)]
    assert [rest for _, *rest in found] == [[[], 1]] * 3
    assert min(seconds for seconds, *_ in found) <= 0.05


def test_airflow_finds_it_and_shows_three_views(python: Callable[..., Any]) -> None:
    assert python(SHOWN) == [1, 3, 1]


def test_where_the_pages_libraries_are_not_there_airflow_is_as_it_was(python: Callable[..., Any]) -> None:
    for missing in ("psycopg", "python_multipart"):
        assert python(f"import sys\nsys.modules[{missing!r}] = None\n{SHOWN}") == [0, 0, 0]
    late = f"import sys\nsys.modules['heliotrope.web'] = None\n{SHOWN}"
    assert python(late)[:2] == [0, 0], "whatever else cannot be imported"
