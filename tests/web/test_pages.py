"""Every page in a browser: what it says, by keyboard, to a screen reader, on a telephone, in the dark and in Korean.

Screenshots are kept in the folder that HELIOTROPE_SCREENSHOTS names, if it names one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import world
from heliotrope.interval import format_time
from heliotrope.replay import replay
from heliotrope.web import application
from heliotrope.whatif.kept import keep
from running import HOURS, LAST, Running, at, listening, new_database

Tab = Callable[..., Any]

AXE = Path(__file__).parent / "axe" / "axe.min.js"
PIPELINE = "/pipelines/turning"
CYCLE = f"{PIPELINE}/cycles/{format_time(LAST)}"
PAGES = {
    "pipelines": "/",
    "time": PIPELINE,
    "cycle": CYCLE,
    "champions": f"{PIPELINE}/champions",
    "promote": f"{PIPELINE}/change/promote?candidate=tree",
    "rollback": f"{PIPELINE}/change/rollback",
    "pin": f"{PIPELINE}/change/pin",
    "compare": f"{PIPELINE}/compare",
    "whatif": f"{PIPELINE}/whatif",
    "live": f"{PIPELINE}/live",
    "not-there": "/pipelines/nothing",
}
SAID = {
    "pipelines": "turning",
    "time": "The champion's accuracy in time",
    "cycle": "Lineage",
    "champions": "Serving now",
    "promote": "Promote tree in turning",
    "rollback": "Roll back the champion of turning",
    "pin": "Pin the champion of turning",
    "compare": "were scored",
    "whatif": "tried on stored history",
    "live": "Cycles done",
    "not-there": "There is no such page",
}


@pytest.fixture(scope="module", autouse=True)
def tried(replayed: Running) -> None:
    """What a whatif has kept."""
    policies = [
        {
            "candidates": ["tree"],
            "window": f"sliding {n}",
            "trigger": f"every {n}",
            "gate": "declared",
            "mean": 0.9 - n / 50,
            "standard_error": 0.01,
            "behind": {"mean": 0.0, "standard_error": float("nan")},
            "on_frontier": n % 2 == 0,
            "trainings": 24 // (n + 1),
            "fits": 3,
            "fit_seconds": 0.5,
            "promotions": 1,
            "refreshes": 2,
            "held": 0,
            "scores": [0.9],
        }
        for n in range(5)
    ]
    document = {
        "pipeline": "turning",
        "metric": "accuracy",
        "start": world.START,
        "end": LAST,
        "intervals": HOURS,
        "compared": HOURS - 1,
        "policies": policies,
        "running": 1,
        "best": 0,
        "recommended": 2,
        "regret": {"mean": 0.02, "standard_error": 0.01},
        "check": None,
        "hindsight": [0.9],
        "changes": ["candidates: 'logistic' removed"],
    }
    keep(replayed.folder, document, at=datetime.now(UTC))


def _picture(page: Any, name: str) -> None:
    folder = os.environ.get("HELIOTROPE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def _violations(page: Any, rule: str | None = None) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    only = "" if rule is None else f", runOnly: {{type: 'rule', values: ['{rule}']}}"
    found = page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{only}}})")
    return [
        f"{one['id']}: {node['html'][:150]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def test_every_page_says_what_it_is_for_and_axe_finds_no_violation(replayed: Running, tab: Tab) -> None:
    page = tab()
    for name, path in PAGES.items():
        page.goto(replayed.url + path)
        page.wait_for_load_state("networkidle" if name != "live" else "load")
        assert SAID[name] in page.inner_text("main"), name
        _picture(page, name)
        assert _violations(page) == [], name


def test_in_the_dark_pages_are_dark_and_legible(replayed: Running, tab: Tab) -> None:
    page = tab(color_scheme="dark")
    for name, path in PAGES.items():
        page.goto(replayed.url + path)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(one) for one in re.findall(r"\d+", background)) < 60, name
        _picture(page, f"{name}-dark")
        assert _violations(page, "color-contrast") == [], name


def test_no_page_is_wider_than_a_telephone(replayed: Running, tab: Tab) -> None:
    page = tab(phone=True, has_touch=True)
    for name, path in PAGES.items():
        page.goto(replayed.url + path)
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        _picture(page, f"{name}-phone")
    page.goto(replayed.url + PIPELINE)
    assert _violations(page) == []


def test_pages_are_korean_for_one_who_reads_korean(replayed: Running, tab: Tab) -> None:
    page = tab(locale="ko-KR")
    for name, path in PAGES.items():
        page.goto(replayed.url + path)
        assert page.get_attribute("html", "lang") == "ko"
        _picture(page, f"{name}-korean")
        # What is left in English are names, and what the record itself says.
        page.evaluate("document.querySelectorAll('main [lang=en], main code, main pre').forEach((one) => one.remove())")
        words = set(re.findall(r"[A-Za-z]{4,}", page.inner_text("main")))
        known = {"turning", "extrapolated", "tree", "hidden", "heliotrope", "continuous", "training", "time", "class"}
        libraries = {"numpy", "scipy", "skops", "skrub", "python", "pyarrow", "scikit", "learn"}
        assert words - known - libraries <= {
            "sliding",
            "every",
            "declared",
            "root",
            "runner",
            "whatif",
            "replay",
            "yaml",
        }, name
    page.goto(f"{replayed.url}{PIPELINE}")
    page.click("text=English")
    assert page.get_attribute("html", "lang") == "en"
    assert page.url.endswith(PIPELINE)


def test_without_scripts_every_figure_is_there(replayed: Running, tab: Tab) -> None:
    page = tab(java_script_enabled=False)
    for name, path in PAGES.items():
        page.goto(replayed.url + path)
        assert SAID[name] in page.inner_text("main"), name
    page.goto(replayed.url + PIPELINE)
    assert page.locator("#table tbody tr").count() == HOURS


# --- by keyboard -------------------------------------------------------------------------------------------


def test_everything_is_reached_by_keyboard_and_is_seen_to_be(replayed: Running, tab: Tab) -> None:
    page = tab()
    page.goto(replayed.url + PIPELINE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert {"Champions", "Compare", "What if", "Live", "chart"} <= reached


def test_the_chart_is_read_with_arrow_keys(replayed: Running, tab: Tab) -> None:
    page = tab()
    page.goto(replayed.url + PIPELINE)
    page.wait_for_selector("#chart canvas")
    page.focus("#chart")
    page.keyboard.press("End")
    last = page.inner_text("#reading")
    assert last.startswith(f"{LAST:%Y-%m-%d %H:%M} · extrapolated accuracy 0."), last
    page.keyboard.press("ArrowLeft")
    before = page.inner_text("#reading")
    assert before.startswith(f"{LAST.replace(hour=LAST.hour - 1):%Y-%m-%d %H:%M}")
    assert page.get_attribute("#chart", "aria-valuetext") == before
    page.keyboard.press("Home")
    assert page.get_attribute("#chart", "aria-valuenow") == "0"


def test_a_part_of_the_chart_is_seen_closer(replayed: Running, tab: Tab) -> None:
    page = tab()
    page.goto(replayed.url + PIPELINE)
    box = page.locator("#chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=4)
    with page.expect_navigation():
        page.mouse.up()
    assert "start=2026-03-01T" in page.url
    rows = page.locator("#table tbody tr").count()
    assert HOURS // 2 <= rows <= HOURS // 2 + 2


def test_the_table_of_cycles_is_turned_page_by_page(
    replayed: Running, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place where scripts run, and as a page of its own where they do not."""
    from heliotrope.web.pages import pipeline

    monkeypatch.setattr(pipeline, "PER_PAGE", 10)
    page = tab()
    page.goto(replayed.url + PIPELINE)
    first = page.inner_text("#table tbody th")
    page.locator("a[rel=next]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => document.querySelector('#table tbody th').textContent !== '{first}'")
    assert page.locator("#table tbody tr").count() == 10
    assert page.locator("#chart canvas").count() == 1
    assert page.inner_text("#table tbody th") == f"{LAST - 10 * world.pipeline().interval:%Y-%m-%d %H:%M}"
    page.click("a[rel=next]")
    page.wait_for_function(f"() => document.querySelectorAll('#table tbody tr').length === {HOURS - 20}")
    assert page.locator("a[rel=next]").count() == 0
    page.click("text=Back to the newest")
    page.wait_for_function(f"() => document.querySelector('#table tbody th').textContent === '{first}'")
    assert page.inner_text("#table tbody th") == first
    plain = tab(java_script_enabled=False)
    plain.goto(replayed.url + PIPELINE)
    plain.click("a[rel=next]")
    assert plain.locator("tbody tr").count() == 10


# --- changing who serves -----------------------------------------------------------------------------------


def test_a_candidate_is_promoted_and_the_champion_before_put_back(changeable: Running, tab: Tab) -> None:
    page = tab()
    page.goto(f"{changeable.url}/pipelines/turning/champions")
    page.select_option("#candidate", "tree")
    page.click("text=Promote …")
    assert "tree is fitted on its newest window" in page.inner_text("main")
    page.click("button.primary")  # without a reason the browser itself stays
    assert page.evaluate("document.activeElement.id") == "reason"
    page.fill("#reason", "a rule <b>one</b> can read")
    page.click("button.primary")
    page.wait_for_selector(".told")
    assert "tree, serves from 2026-03-01 06:00" in page.inner_text(".told")
    assert page.inner_text("tbody tr:first-child td.reasons") == "a rule <b>one</b> can read"
    page.click("text=Pin …")
    page.fill("#reason", "until Monday")
    page.click("button.primary")
    page.wait_for_selector(".told")
    assert "until Monday" in page.inner_text("main")
    assert "pinned" in page.locator("section").first.inner_text()
    page.click("text=Unpin …")
    page.fill("#reason", "it is Monday")
    page.click("button.primary")
    page.wait_for_selector(".told")
    page.click("text=Roll back …")
    page.fill("#reason", "it fails on Sundays")
    page.click("button.primary")
    page.wait_for_selector(".told")
    assert "extrapolated, serves from" in page.inner_text(".told")
    page.click("text=changed by hand")
    page.wait_for_selector("text=it fails on Sundays")
    assert page.locator("tbody tr").count() == 4
    with changeable.database.connect() as connection:
        found = connection.execute(
            "SELECT action, reasons[1], actor FROM heliotrope.decision WHERE stage = 'manual' ORDER BY id"
        ).fetchall()
    from heliotrope.web.visitor import this_user

    assert found == [
        ("promote", "a rule <b>one</b> can read", this_user()),
        ("keep", "until Monday", this_user()),
        ("keep", "it is Monday", this_user()),
        ("roll_back", "it fails on Sundays", this_user()),
    ]


def test_what_cannot_be_done_is_said_and_the_reason_is_not_lost(changeable: Running, tab: Tab) -> None:
    page = tab()
    page.goto(f"{changeable.url}/pipelines/turning/change/unpin")
    page.fill("#reason", "a long thought")
    page.click("button.primary")
    page.wait_for_selector("[role=alert]")
    assert "is not pinned" in page.inner_text("[role=alert]")
    assert page.input_value("#reason") == "a long thought"
    for file in (changeable.folder / "artifacts").rglob("*.*"):
        file.unlink()
    page.goto(f"{changeable.url}/pipelines/turning/change/rollback")
    page.fill("#reason", "back")
    page.click("button.primary")
    page.wait_for_selector("[role=alert]")
    assert "It was not done" in page.inner_text("[role=alert]")


# --- as it goes on -----------------------------------------------------------------------------------------


SEEN = """() => {
  window.seen = [];
  const look = () => {
    const done = Number(document.querySelector('[data-done]').textContent);
    window.seen.push([done, document.querySelector('[data-say]').textContent.trim()]);
  };
  new MutationObserver(look).observe(document.getElementById('live'), {childList: true});
}"""


def test_a_replay_of_another_process_is_seen_as_it_goes_on(server_url: str, tmp_path: Path, tab: Tab) -> None:
    with new_database(server_url, "web_live") as database:
        world.fill(database, 40, rows=40)
        declared = {**world.PIPELINE, "report": {"pictures": False}}
        with world.opened(database, tmp_path, report={"pictures": False}) as context:
            for _ in replay(context, world.hours(2)):
                pass
        file = tmp_path / "turning.yaml"
        world.write(file, declared)
        with listening(application(database, folder=tmp_path, clock=at(world.hours(40)[-1].end))) as url:
            page = tab()
            page.goto(f"{url}/pipelines/turning/live")
            assert page.inner_text("[data-done]") == "2"
            assert "38 intervals to go" in page.inner_text("main")
            assert "Nothing is at work on it right now" in page.inner_text("main")
            page.evaluate(SEEN)
            command = [sys.executable, "-m", "heliotrope", "replay", str(file), "--database", database.url]
            environment = {**os.environ, "HELIOTROPE_HOME": str(tmp_path)}
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
            assert ended.returncode == 0, ended.stderr
            done = "() => window.seen.some(([done, said]) => done === 40 && said.startsWith('Nothing'))"
            page.wait_for_function(done, timeout=30_000)
            seen = page.evaluate("() => window.seen")
            assert [count for count, _ in seen] == sorted(count for count, _ in seen)
            assert any(said.startswith("heliotrope replay is at work, since") for _, said in seen), seen
            assert any(2 < count < 40 for count, _ in seen), seen
            assert page.locator("tbody tr").first.inner_text().startswith("2026-03-02 15:00")
            _picture(page, "live-done")
            page.goto("about:blank")


# --- nothing there, and nothing to be had ------------------------------------------------------------------


def test_a_database_that_is_gone_is_said_and_found_again(server_url: str, tab: Tab) -> None:
    with new_database(server_url, "web_gone") as database:
        app = application(database)
        with listening(app) as url, database.connect(autocommit=True) as connection:
            page = tab()
            page.goto(url)
            assert "No pipeline is on record yet" in page.inner_text("main")
            _picture(page, "empty")
            assert _violations(page) == []
            good, bad = app.state.site.connections.database.url, "host=127.0.0.1 port=1 connect_timeout=2"
            app.state.site.connections.database.url = bad
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
            answer = page.goto(url)
            assert (answer.status, answer.headers["retry-after"]) == (503, "10")
            assert "The database cannot be reached" in page.inner_text("main")
            _picture(page, "gone")
            assert _violations(page) == []
            app.state.site.connections.database.url = good
            page.click("text=Try again")
            assert "No pipeline is on record yet" in page.inner_text("main")


def test_a_pipeline_without_a_cycle_says_how_to_run_one(database: Any, tmp_path: Path, tab: Tab) -> None:
    context = world.opened(database, tmp_path)
    _ = context.ledger.ids
    context.close()
    with listening(application(database, folder=tmp_path)) as url:
        page = tab()
        for part in ("", "/champions", "/compare", "/whatif", "/live"):
            page.goto(f"{url}/pipelines/turning{part}")
            assert _violations(page) == [], part
        page.goto(f"{url}/pipelines/turning")
        assert "heliotrope replay turning.yaml" in page.inner_text("main")
        page.goto(url)
        assert "Nothing run yet" in page.inner_text("main")


def test_the_figures_of_a_page_are_its_own_and_escaped(replayed: Running) -> None:
    with replayed.client() as client:
        text = client.get(PIPELINE).text
    data = json.loads(text.split('id="lines">')[1].split("</script>")[0])
    assert len(data["times"]) == len(data["champion"]) == HOURS
    assert data["best"] == 0.9688
