"""The report in a real browser: by keyboard, on a telephone, in the dark, without a violation that axe finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

import world
from heliotrope import publish
from heliotrope.database import Database

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(__file__).parents[1] / "web" / "axe" / "axe.min.js"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture
def report(database: Database, tmp_path: Path) -> str:
    """The address of a report of five hours."""
    world.fill(database, 5)
    with world.replayed(database, tmp_path, report={"best_possible": 0.9688}) as context:
        return publish.report(context, world.hours(5), tmp_path / "out")[0].as_uri()


LONG = [
    "a name of sixty signs and more, of which pictures show the two ends alone",
    '<script>alert("1")</script>',
    "שלום 👩\u200d🔬\nאחר",
]


@pytest.fixture
def hostile(database: Database, tmp_path: Path) -> str:
    """The address of a report whose classes, features and late labels are as unkind as can be."""
    rng = np.random.default_rng(6)
    names = [f"a feature with a very long name, number {at:02} of forty" for at in range(40)]
    with psycopg.connect(database.url, autocommit=True) as connection:
        columns = sql.SQL(", ").join(sql.SQL("{} float8").format(sql.Identifier(name)) for name in names)
        connection.execute(sql.SQL("CREATE TABLE unkind (time timestamptz, {}, label text)").format(columns))
        with connection.cursor().copy("COPY unkind FROM STDIN") as copy:
            for hour in world.hours(4):
                for at in range(120):
                    kind = at % 20
                    label = LONG[kind] if kind < len(LONG) else f"class {kind}"
                    unknown = hour == world.hours(4)[-1] and at < 30
                    row = [hour.start, *(rng.normal(size=40) + kind), None if unknown else label]
                    copy.write_row(row)
    changes: dict[str, Any] = {
        "name": "unkind",
        "source": {"table": "unkind", "time": "time"},
        "features": names,
        "target": "label",
        "candidates": [{"name": "bayes", "estimator": "sklearn.naive_bayes.GaussianNB", "window": {"kind": "sliding"}}],
    }
    with world.replayed(database, tmp_path, **changes) as context:
        return publish.report(context, world.hours(4), tmp_path / "out")[0].as_uri()


@pytest.mark.parametrize("width", [1280, 600, 375])
def test_hostile_names_of_many_classes_and_features_fit(hostile: str, browser: Any, width: int) -> None:
    page, wrong = opened(browser, hostile, width=width, dark=width == 600)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    cut = page.evaluate(CUT)
    assert cut == []
    full = page.locator("dl.names dd").all_text_contents()
    assert LONG[0] in full
    assert LONG[1] in full
    assert page.locator("text=? provisional").is_visible()
    assert page.locator("td.number", has_text="?").count() == 1
    assert wrong == []


CUT = """() => [...document.querySelectorAll('body *')].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width || one.closest('.scroll, svg, .band, .times')) return false;
  return box.right > document.documentElement.clientWidth + 1 || box.left < -1;
}).map((one) => one.outerHTML.slice(0, 80))"""
"""What goes beyond the window and is in no box of its own that scrolls."""


@pytest.fixture
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def opened(browser: Any, address: str, *, width: int = 1280, dark: bool = False) -> tuple[Any, list[str]]:
    """The page, and what went wrong on it."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else wrong.append(asked.url))
    page.goto(address)
    return page, wrong


def test_it_can_be_read_by_keyboard_alone(report: str, browser: Any) -> None:
    page, wrong = opened(browser, report)
    page.focus("#timeline")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert "2026-03-01 02:00" in page.inner_text("#reading")
    assert page.get_attribute("#frame", "alt") == "Picture of 2026-03-01 02:00 UTC", "the picture goes along"
    page.focus("#seek")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#shown") == "2026-03-01 03:00"
    assert page.get_attribute("#seek", "aria-valuetext") == "2026-03-01 03:00"
    assert "2026-03-01 03:00" in page.inner_text("#reading"), "and so does the time line"
    page.focus("summary")
    page.keyboard.press("Enter")
    assert page.is_visible("text=given, mean")
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 600, 375])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window_or_unreadable(report: str, browser: Any, width: int, dark: bool) -> None:
    page, wrong = opened(browser, report, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if AXE.exists():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert wrong == []
