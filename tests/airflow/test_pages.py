"""The pages inside a real Airflow: who may see and change what, by HTTP and in a browser."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from hosted import Hosted, hosted
from running import CHROMIUM, COOKIE

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900), pytest.mark.xdist_group("hosted")]

if not os.environ.get("HELIOTROPE_TEST_SCHEDULER"):
    pytest.skip("a minute of a real Airflow: make test-airflow", allow_module_level=True)

TURNING = "/heliotrope/pipelines/turning"
TRAINING = "Continuous-Training"
TASKS = ("assess", "announce", "train", "gate", "publish")


@pytest.fixture(scope="module")
def pages(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """An Airflow whose DAGs have their database by a connection."""
    with hosted(server_url, tmp_path_factory.mktemp("hosted"), connection="record") as found:
        yield found


def decisions(pages: Hosted, name: str) -> list[Any]:
    """What was decided by a person."""
    with psycopg.connect(pages.rows.url) as connection:
        query = (
            "SELECT action, reasons, actor FROM heliotrope.decision AS decision"
            " JOIN heliotrope.champion ON champion.decision_id = decision.id"
            " JOIN heliotrope.pipeline ON pipeline.id = champion.pipeline_id"
            " WHERE actor <> 'heliotrope' AND pipeline.name = %s ORDER BY decision.id"
        )
        return connection.execute(query, (name,)).fetchall()


def test_nobody_sees_anything_without_signing_in(pages: Hosted) -> None:
    with pages.client() as client:
        for path in ("/heliotrope/", TURNING, f"{TURNING}/champions", f"/heliotrope/dags/{TRAINING}"):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert "accuracy" not in answer.text
        assert client.get("/heliotrope/api/pipelines").status_code == 401
        assert client.post(f"{TURNING}/change/promote").status_code == 401
        answer = client.get(f"{TURNING}?show=all", headers={"sec-fetch-dest": "document"})
        assert answer.status_code == 307
        assert answer.headers["location"] == "/api/v2/auth/login?next=" + quote(f"{TURNING}?show=all", safe="")
    with pages.client() as client:
        client.cookies.set("_token", "no.such.token")
        assert client.get(TURNING).status_code in (401, 403)


def test_one_who_may_not_see_plugins_sees_none_of_it(pages: Hosted) -> None:
    with pages.client("nell") as client:
        assert {client.get(path).status_code for path in ("/heliotrope/", TURNING, "/heliotrope/api/pipelines")} == {
            403
        }


def test_whoever_may_read_the_dag_sees_its_pipeline_by_cookie_and_by_token(pages: Hosted) -> None:
    with pages.client("vic") as client:
        answer = client.get(TURNING)
        assert answer.status_code == 200
        assert "accuracy" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert "x-frame-options" not in answer.headers
        assert all(name in client.get("/heliotrope/").text for name in ("turning", "sales", "clicks"))
    with pages.client(Authorization=f"Bearer {pages.token('vic')}") as client:
        assert client.get("/heliotrope/api/pipelines").status_code == 200


def test_a_pipeline_is_not_there_for_one_who_may_not_read_a_dag_that_trains_it(pages: Hosted) -> None:
    with pages.client("hank") as client:
        first = client.get("/heliotrope/").text
        assert "sales" in first
        assert "turning" not in first
        assert "clicks" not in first
        assert client.get("/heliotrope/pipelines/sales").status_code == 200
        hidden = [
            client.get(f"{TURNING}{page}") for page in ("", "/champions", "/cycles/2026-03-01T05:00Z", "/compare")
        ]
        assert {answer.status_code for answer in hidden} == {404}
        assert not any("accuracy" in answer.text for answer in hidden)
        assert client.get("/heliotrope/api/pipelines/turning").status_code == 404
        assert client.get(f"/heliotrope/dags/{TRAINING}").status_code == 404
        assert client.post(f"{TURNING}/change/promote").status_code in (403, 404)


def test_a_dag_leads_to_its_pipeline_and_a_run_to_its_cycle(pages: Hosted) -> None:
    runs = {
        "partition": pages.run(TRAINING, partition_key="2026-03-01T04:00:00"),
        "by hand": pages.run(TRAINING, conf={"start": "2026-03-01T02:00Z"}),
        "not yet": pages.run(TRAINING, conf={"start": "2026-04-01T00:00Z"}),
    }
    both = pages.run("Both", conf={"start": "2026-03-01T02:00Z"})
    with pages.client("vic") as client:
        for dag_id in (TRAINING, "Create-Data"):
            answer = client.get(f"/heliotrope/dags/{dag_id}")
            assert (answer.status_code, answer.headers["location"]) == (307, TURNING)
        for run, start in (("partition", "04:00Z"), ("by hand", "02:00Z")):
            answer = client.get(f"/heliotrope/dags/{TRAINING}/runs/{quote(runs[run], safe='')}")
            assert answer.headers["location"] == f"{TURNING}/cycles/2026-03-01T{start}"
        answer = client.get(f"/heliotrope/dags/{TRAINING}/runs/{quote(runs['not yet'], safe='')}")
        assert answer.status_code == 404
        assert "No cycle yet" in answer.text
        assert client.get(f"/heliotrope/dags/{TRAINING}/runs/no-such-run").status_code == 404
        assert "No pipeline here" in client.get("/heliotrope/dags/Other").text
        for path in ("/heliotrope/dags/Both", f"/heliotrope/dags/Both/runs/{quote(both, safe='')}"):
            answer = client.get(path)
            assert "turning" in answer.text
            assert "clicks" in answer.text
            assert "sales" not in answer.text
    with pages.client("hank") as client:
        answer = client.get(f"/heliotrope/dags/{TRAINING}/runs/{quote(runs['partition'], safe='')}")
        assert answer.status_code == 404


def test_every_task_has_a_link_to_its_cycle(pages: Hosted) -> None:
    run = pages.run(TRAINING, partition_key="2026-03-01T03:00:00")
    with pages.client("vic") as client:
        for task in TASKS:
            path = f"/api/v2/dags/{TRAINING}/dagRuns/{quote(run, safe='')}/taskInstances/{task}/links"
            found = client.get(path).json()["extra_links"]
            assert found == {"heliotrope: the cycle": f"/dags/{TRAINING}/runs/{run}/plugin/heliotrope-cycle"}, task


def test_a_viewer_changes_nothing_and_an_editor_is_on_record(pages: Hosted) -> None:
    form = {"reason": "the tree is to serve", "candidate": "tree"}
    path = f"{TURNING}/change/promote"
    with pages.client("vic") as client:
        shown = client.get(f"{TURNING}/champions").text
        assert "/change/" not in shown
        assert client.get(path, params={"candidate": "tree"}).status_code == 403
        client.get(TURNING)
        answer = client.post(path, data={**form, "form_token": client.cookies[COOKIE]})
        assert answer.status_code == 403
    assert decisions(pages, "turning") == []
    with pages.client("uma") as client:
        assert client.get(path, params={"candidate": "tree"}).status_code == 200
        token = client.cookies[COOKIE]
        assert client.post(path, data=form).status_code == 403, "no form of a page of its own"
        for elsewhere in ({"origin": "https://evil.example"}, {"sec-fetch-site": "same-site"}):
            answer = client.post(path, data={**form, "form_token": token}, headers=elsewhere)
            assert answer.status_code == 403, elsewhere
        assert decisions(pages, "turning") == []
        answer = client.post(path, data={**form, "form_token": token}, headers={"origin": pages.url})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{TURNING}/champions")
    assert decisions(pages, "turning") == [("promote", ["the tree is to serve"], "uma")]
    with pages.client("hank") as client:
        client.get("/heliotrope/pipelines/sales")
        mine = {**form, "form_token": client.cookies[COOKIE]}
        assert client.post(path, data=mine).status_code == 404
        assert client.post("/heliotrope/pipelines/sales/change/promote", data=mine).status_code == 303
        proxied = {"host": "internal.example", "origin": pages.url, "sec-fetch-site": "same-origin"}
        held = client.post("/heliotrope/pipelines/sales/change/pin", data=mine, headers=proxied)
        assert held.status_code == 303, "behind a proxy that asks by another name"
    assert len(decisions(pages, "turning")) == 1
    assert decisions(pages, "sales")[0][2] == "hank"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a screen."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM} (Debian: chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=["", "/some/where"], ids=["at the root", "below a path"])
def housed(request: pytest.FixtureRequest, server_url: str, tmp_path: Path) -> Iterator[Hosted]:
    """At the root of its host; and below a path, by the environment's database."""
    if not request.param:
        yield request.getfixturevalue("pages")
        return
    with hosted(server_url, tmp_path, below=request.param) as found:
        yield found


def test_in_a_browser_the_pages_are_airflows_own(housed: Hosted, browser: Any, tmp_path: Path) -> None:
    run = housed.run(TRAINING, partition_key="2026-03-01T05:00:00")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    tab = context.new_page()
    refused: list[str] = []
    tab.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    tab.on("pageerror", lambda error: refused.append(str(error)))
    frame = tab.frame_locator("iframe[title=heliotrope]")

    tab.goto(f"{housed.url}{TURNING}")  # whoever is not signed in is asked to, and comes back
    tab.fill("input[name=username]", "ann")
    tab.fill("input[name=password]", "ann")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**{TURNING}")

    tab.goto(f"{housed.url}/")
    tab.locator('a[href$="/plugin/heliotrope"]').click()
    frame.get_by_role("link", name="sales", exact=True).click()
    frame.locator("#chart canvas").wait_for()
    tab.screenshot(path=tmp_path / "navigation.png")

    tab.goto(f"{housed.url}/dags/{TRAINING}")
    tab.locator('a[href$="/plugin/heliotrope-pipeline"]').click()
    frame.get_by_role("heading", name="turning").wait_for()
    frame.locator("#chart canvas").wait_for()
    tab.screenshot(path=tmp_path / "dag.png")

    tab.goto(f"{housed.url}/dags/{TRAINING}/runs/{quote(run, safe=':+')}/tasks/train/details")
    tab.get_by_role("link", name="heliotrope: the cycle").click()
    frame.get_by_role("heading", name="2026-03-01 05:00").wait_for()
    tab.screenshot(path=tmp_path / "run.png")

    frame.get_by_role("link", name="turning").first.click()
    frame.get_by_role("link", name="Champions").click()
    frame.get_by_role("button", name="Promote").click()
    frame.locator("#reason").fill("ann wants the tree")
    frame.locator("button.primary").click()
    frame.get_by_text("decided by ann").wait_for()
    tab.screenshot(path=tmp_path / "promoted.png")
    context.close()
    assert not refused
    assert decisions(housed, "turning")[-1] == ("promote", ["ann wants the tree"], "ann")


def test_a_page_that_is_watched_does_not_hold_the_server_up(pages: Hosted) -> None:
    """The last of them: the server ends."""
    seen = threading.Event()

    def watch() -> None:
        path = f"{TURNING}/live/events"
        with pages.client("vic") as client, client.stream("GET", path) as answer:
            for text in answer.iter_text():
                if "event: progress" in text:
                    seen.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    assert seen.wait(30)
    server = pages.airflow.running["api-server"]
    begun = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    watcher.join(10)
    assert not watcher.is_alive()
    assert time.monotonic() - begun < 30
