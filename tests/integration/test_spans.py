"""Spans of a real run, sent to a real receiver; and nothing of OpenTelemetry where nobody asks for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import world
from collector import attributes, collector
from heliotrope.database import Database

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is not installed")


def run(database: Database, folder: Path, *verb: str, **environment: str) -> subprocess.CompletedProcess[str]:
    world.write(folder / "turning.yaml", world.PIPELINE | {"report": {"pictures": False}})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "heliotrope", *verb],
        cwd=folder,
        env={**kept, "HELIOTROPE_DATABASE_URL": database.url, "HELIOTROPE_HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_run_is_a_tree_of_spans_of_its_steps_and_their_parts(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    with collector() as received:
        done = run(
            database,
            tmp_path,
            *("replay", "turning.yaml"),
            OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
            TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        assert done.returncode == 0, done.stderr
    tree = received.tree()
    for step, parts in {
        "assess": ("ledger", "extract", "evaluate", "drift", "decide"),
        "train": ("extract", "evaluate", "fit", "save"),
        "gate": ("ledger",),
    }.items():
        assert ("cycle", step) in tree
        assert {("cycle", step, part) for part in parts} <= tree
    cycles = [one for one in received.spans if one.name == "cycle"]
    assert [attributes(one)["heliotrope.interval"] for one in cycles] == ["2026-03-01T00:00Z", "2026-03-01T01:00Z"]
    assert attributes(cycles[0])["heliotrope.pipeline"] == "turning"
    assert {one.trace_id.hex() for one in received.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {attributes(one).get("heliotrope.candidate") for one in received.spans if one.name == "fit"} == {
        "extrapolated",
        "tree",
    }
    assert received.resources[0]["service.name"] == "heliotrope"


def test_a_step_that_fails_is_a_span_that_says_so(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1, rows=5)
    with collector() as received:
        rules = {"validation": {"on_too_few": "fail"}}
        world.write(tmp_path / "turning.yaml", world.PIPELINE | rules)
        done = run_declared(database, tmp_path, received.url)
    assert done.returncode == 3
    (cycle,) = (one for one in received.spans if one.name == "cycle")
    assert cycle.status.code == 2
    assert "ValidationError" in cycle.status.message


def run_declared(database: Database, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """As :func:`run`, with the pipeline's file as it is."""
    return subprocess.run(
        [sys.executable, "-m", "heliotrope", "replay", "turning.yaml"],
        cwd=folder,
        env={
            **os.environ,
            "HELIOTROPE_DATABASE_URL": database.url,
            "HELIOTROPE_HOME": str(folder / "home"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_SERVICE_NAME": "turning",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is 'zipkin'; otlp, console and none are known"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', and http/protobuf alone is spoken here",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_fails_no_run(
    database: Database, tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    world.fill(database, 1)
    done = run(database, tmp_path, "replay", "turning.yaml", **asked)
    assert done.returncode == 0
    assert done.stderr.count(said) == 1


def test_a_receiver_that_refuses_or_is_not_there_fails_no_run(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    with collector() as received:
        received.status = 400
        done = run(database, tmp_path, "replay", "turning.yaml", OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_nothing_of_opentelemetry_is_imported_where_nobody_asks() -> None:
    script = (
        "import sys, heliotrope.cycle\n"
        "from heliotrope.stopwatch import Stopwatch\n"
        "from heliotrope import spans\n"
        "with spans.span('cycle', pipeline='p'), Stopwatch()('fit'): pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith('opentelemetry.')))\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", script], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
