"""The report in a real browser: by keyboard, on a telephone, in the dark, without a violation that axe finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
