"""The dashboard and the alerts name metrics that there are, with labels that they have; and the rules parse."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliotrope.metrics import METRICS

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "heliotrope.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
LABELS = {metric.sample: {*metric.labels, "version", "task", "interval", "metric"} for metric in METRICS}


def expressions(found: Any) -> Iterator[str]:
    """Every query in a document, wherever it stands."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("expr", "query") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(found, list):
        for one in found:
            yield from expressions(one)


def queries() -> list[str]:
    dashboard = [one for one in expressions(json.loads(DASHBOARD.read_text())) if one != "prometheus"]
    return [*dashboard, *expressions(yaml.safe_load(ALERTS.read_text()))]


def test_every_metric_that_a_panel_or_an_alert_names_exists() -> None:
    named = {name for query in queries() for name in re.findall(r"\bheliotrope_\w+", query)}
    assert len(named) > 12
    assert named <= set(LABELS)


def test_every_label_that_a_selector_names_exists() -> None:
    for query in queries():
        for name, selector in re.findall(r"\b(heliotrope_\w+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= LABELS[name], query


def test_every_panel_has_a_place_of_its_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_says_how_bad_it_is_and_what_to_look_at() -> None:
    for rule in yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
