"""How soon do the pages answer and show something, and what do they weigh, with 10,000 cycles on record?

The cycles are made in the database as a replay would have left them: three candidates, six readings of drift and a new
fit of the champion in each. The peer is the same page over 50 cycles. First paint is that of Debian's Chromium, where
it and playwright are there; weight is of all that a page loads, with nothing in the browser's cache.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn

from bench import Board, database, rounds
from heliotrope import config
from heliotrope.database import Database
from heliotrope.ledger import migrate
from heliotrope.web import application

MANY, FEW = 10_000, 50
ROUNDS = 7
CHROMIUM = "/usr/bin/chromium"
_CANDIDATES = ("fresh", "steady", "plain")
_MAKE = (
    """
    INSERT INTO heliotrope.cycle (pipeline_id, version_id, interval_start, interval_end, code_version, started_at)
    SELECT %(pipeline)s, %(version)s, start, start + interval '1 hour', 'benchmark', start
    FROM (SELECT '2025-01-01 00:00Z'::timestamptz + interval '1 hour' * i AS start
          FROM generate_series(0, %(count)s - 1) AS i) AS made
    """,
    """
    INSERT INTO heliotrope.step (cycle_id, name, seconds, ended_at)
    SELECT id, name, '{"fit": 0.01, "extract": 0.004}', interval_end
    FROM heliotrope.cycle CROSS JOIN unnest(ARRAY['assess', 'train', 'gate', 'done']) AS name
    WHERE pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.batch (cycle_id, revision, content_hash, rows_read, rows, first_time, last_time, verdict,
        problems, recorded_at)
    SELECT id, 0, md5(id::text) || md5(id::text), 900, 900, interval_start, interval_start, 'ok', '[]', interval_end
    FROM heliotrope.cycle WHERE pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.training (cycle_id, candidate, role, window_start, window_end, rows, seconds, seed,
        fingerprint, versions, code_version, artifact)
    SELECT id, candidate, role, interval_start - interval '3 hours', interval_end, 2700, 0.01, id,
        md5(role || candidate || id), '{"python": "3.11"}', 'benchmark',
        CASE WHEN role = 'final' THEN md5(candidate || id) END
    FROM heliotrope.cycle
    CROSS JOIN (VALUES ('fresh', 'challenger'), ('steady', 'challenger'), ('plain', 'challenger'), ('fresh', 'final'))
        AS fit (candidate, role)
    WHERE pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.evaluation (batch_id, role, candidate, training_id, rows, metrics, gain)
    SELECT batch.id, CASE WHEN training.role = 'final' THEN 'champion' ELSE 'challenger' END, training.candidate,
        training.id, 900,
        jsonb_build_object('accuracy', 0.9 + 0.05 * sin(cycle.id / 20.0) * (length(training.candidate) - 4),
                           'log_loss', 0.2, 'loss', 0.1, 'brier', 0.05),
        '{"rows": 900, "mean_gain": 0.01, "standard_error": 0.004, "wins": 12, "losses": 3}'
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id
    JOIN heliotrope.training ON training.cycle_id = cycle.id
    WHERE cycle.pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.drift (batch_id, detector, feature, reference_rows, current_rows, statistic, p_value,
        threshold, drifted)
    SELECT batch.id, detector, feature, 2700, 900, 0.1, 0.02, 0.01, (cycle.id + length(feature)) %% 7 = 0
    FROM heliotrope.cycle
    JOIN heliotrope.batch ON batch.cycle_id = cycle.id
    CROSS JOIN unnest(ARRAY['kolmogorov_smirnov', 'population_stability']) AS detector
    CROSS JOIN unnest(ARRAY['x', 'yy', 'zzz']) AS feature
    WHERE cycle.pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.decision (pipeline_id, cycle_id, stage, action, reasons, evidence, actor, decided_at)
    SELECT pipeline_id, id, stage, action, ARRAY['it is better on these rows: mean gain 0.01 over 900 rows'],
        '{"gain": 0.01, "needed": 0.001}', 'heliotrope', interval_end
    FROM heliotrope.cycle CROSS JOIN (VALUES ('trigger', 'train'), ('gate', 'promote')) AS said (stage, action)
    WHERE pipeline_id = %(pipeline)s
    """,
    """
    INSERT INTO heliotrope.champion (pipeline_id, training_id, decision_id, valid_from)
    SELECT cycle.pipeline_id, training.id, decision.id, cycle.interval_end
    FROM heliotrope.cycle
    JOIN heliotrope.training ON training.cycle_id = cycle.id AND training.role = 'final'
    JOIN heliotrope.decision ON decision.cycle_id = cycle.id AND decision.stage = 'gate'
    WHERE cycle.pipeline_id = %(pipeline)s
    ORDER BY cycle.interval_start
    """,
)


def make(db: Database, name: str, count: int) -> None:
    """A pipeline of that many cycles, as a replay would have left them."""
    declared = config.parse(
        {
            "name": name,
            "source": {"table": "continuous_training", "time": "time"},
            "interval": "1h",
            "features": ["x", "yy", "zzz"],
            "target": "class",
            "registry": "none",
            "report": {"best_possible": 0.96},
            "candidates": [
                {"name": one, "estimator": "sklearn.tree.DecisionTreeClassifier", "window": {"kind": "expanding"}}
                for one in _CANDIDATES
            ],
        }
    )
    said = json.dumps(declared.model_dump(mode="json"))
    with psycopg.connect(db.url) as connection:
        pipeline = _one(connection, "INSERT INTO heliotrope.pipeline (name) VALUES (%s) RETURNING id", name)
        version = _one(
            connection,
            "INSERT INTO heliotrope.pipeline_version (pipeline_id, fingerprint, config)"
            " VALUES (%s, 'benchmark', %s) RETURNING id",
            pipeline,
            said,
        )
        for query in _MAKE:
            connection.execute(query, {"pipeline": pipeline, "version": version, "count": count})


def _one(connection: Any, query: str, *values: Any) -> Any:
    return connection.execute(query, values).fetchone()[0]


@contextmanager
def _listening(db: Database) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application(db), port=0, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def main() -> int:
    """Print the table; the exit code."""
    board = Board(f"the pages over {MANY:,} cycles, beside {FEW}")
    with database() as db:
        migrate(db)
        make(db, "few", FEW)
        make(db, "many", MANY)
        with psycopg.connect(db.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        pages = {
            "in time, the latest 240": "/pipelines/{name}",
            "in time, all": "/pipelines/{name}?show=all",
            "champions": "/pipelines/{name}/champions",
            "one cycle": "/pipelines/{name}/cycles/2025-01-02T00:00Z",
            "compare, all": "/pipelines/{name}/compare?show=all",
            "live": "/pipelines/{name}/live",
        }
        with _listening(db) as url, httpx.Client(base_url=url, timeout=60) as client:

            def got(path: str) -> None:
                answer = client.get(path)
                assert answer.status_code == 200, (path, answer.text[-500:])

            board.within("answer: all pipelines", rounds(ROUNDS, {"": lambda: got("/")})[""], at_most=0.2)
            for what, path in pages.items():
                cases = {name: partial(got, path.format(name=name)) for name in ("many", "few")}
                spent = rounds(ROUNDS, cases)
                board.beside(f"answer: {what}", spent["many"], spent["few"])
                board.within("  within", spent["many"], at_most=1.0 if what.endswith("all") else 0.5)
            _painted(board, url, {"all pipelines": "/", **pages})
    return board.end()


def _painted(board: Board, url: str, pages: dict[str, str]) -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        board.note("no first paint: playwright is not installed")
        return
    if not Path(CHROMIUM).exists():
        board.note(f"no first paint: there is no {CHROMIUM}")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for what, path in pages.items():
            paints, weight = [], 0.0
            for _ in range(3):
                context = browser.new_context()
                page = context.new_page()
                page.goto(url + path.format(name="many"))
                page.wait_for_timeout(200)
                paints.append(
                    page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1e3
                )
                weight = page.evaluate(
                    "() => performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
                    ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
                )
                context.close()
            board.within(f"first paint: {what}", paints, at_most=1.5)
            board.at_most(f"weight, kB: {what}", weight / 1000, 300, form="{:.0f}")
        browser.close()


if __name__ == "__main__":
    raise SystemExit(main())
