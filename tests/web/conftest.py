"""A real app over a real replay: one database, one server and one browser a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import world
from heliotrope.database import Database
from heliotrope.replay import replay
from heliotrope.web import application
from running import CHROMIUM, HOURS, NOW, Running, at, listening, new_database


@pytest.fixture(scope="session")
def replayed(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The app over a replay of two pipelines that nobody changes by hand."""
    folder = tmp_path_factory.mktemp("home")
    with new_database(server_url, "web_replayed") as database:
        world.fill(database, HOURS, rows=60)
        report = {"best_possible": 0.9688, "pictures": False}
        world.replayed(database, folder, report=report).close()
        with world.opened(database, folder, name="hidden", report=report) as hidden:
            for _ in replay(hidden, world.hours(3)):
                pass
        with listening(application(database, folder=folder, clock=at(NOW))) as url:
            yield Running(url, database, folder)


@pytest.fixture
def changeable(database: Database, tmp_path: Path) -> Iterator[Running]:
    """The app over six hours of one pipeline, for a test that changes it."""
    world.fill(database, 6, rows=40)
    world.replayed(database, tmp_path, report={"pictures": False}).close()
    with listening(application(database, folder=tmp_path, clock=at(NOW))) as url:
        yield Running(url, database, tmp_path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a screen."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM} (Debian: chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; what one logs as an error, a script's or a policy's, fails the test."""
    contexts: list[Any] = []
    errors: list[str] = []

    def opened(*, phone: bool = False, **options: Any) -> Any:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = browser.new_context(viewport=size, locale=options.pop("locale", "en-GB"), **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in errors if "status of 4" not in one and "status of 503" not in one] == []
