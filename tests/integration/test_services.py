"""Slack's and Teams' webhooks over the wire, through Apprise, to a real server that speaks as they do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import world
from heliotrope import cycle
from heliotrope.database import Database
from heliotrope.notify import Outcome, Sender, deliver
from hook import Hook, hook

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
SLACK_BOT = "slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/general"
TEAMS = (
    "https://prod-161.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/"
    "invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A"
)
WORKFLOW = "workflows://prod-161.westeurope.logic.azure.com:443/643e69f83c8944438d68119179a10a64/KODuebWbDGYFr0z0eu6Rj"
SECRETS = ("TIiajkdnlazkcOXrIdevi7", "4ddbc191d40ee098cbaae6f3523ada2d", "KODuebWbDGYFr0z0eu", "643e69f83c8944438d68")
WITHOUT = "without the picture, which this address takes none of"


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A server to which goes what is meant for Slack and Teams."""
    with hook() as running:
        here = str(Path(__file__).parents[1] / "services_here")
        known = os.environ.get("PYTHONPATH", "")
        monkeypatch.setenv("PYTHONPATH", f"{here}{os.pathsep}{known}" if known else here)
        monkeypatch.setenv("SERVICES_HERE", running.url)
        running.body = b"ok"
        yield running


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "2026-03-01T0500Z.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    return file


def post(url: str, picture: Path | None = None, text: str = "[05:00] turning: tree serves\n#17") -> Outcome:
    with Sender() as sender:
        return sender.post(url, text, key="k", title="turning: promoted", timeout=3, picture=picture)


def test_slack_gets_title_and_text_at_its_webhook_and_that_no_picture_goes_is_said(posted: Hook, picture: Path) -> None:
    posted.faults.append(200)
    assert post(SLACK, picture) == Outcome(result="sent", detail=WITHOUT)
    (request,) = posted.requests
    assert request.headers["X-Meant-For"] == "hooks.slack.com"
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
    assert request.headers["Idempotency-Key"] == "k"
    said = json.loads(request.body)
    (block,) = said["attachments"]
    assert (block["title"], block["text"]) == ("turning: promoted", "[05:00] turning: tree serves\n#17")
    assert picture.name not in request.body.decode()
    posted.faults.append(200)
    assert post(SLACK) == Outcome(result="sent"), "where there is no picture nothing is missing"


@pytest.mark.parametrize("url", [TEAMS, WORKFLOW])
def test_teams_gets_an_adaptive_card_at_its_workflow_and_that_no_picture_goes_is_said(
    posted: Hook, picture: Path, url: str
) -> None:
    posted.faults.append(202)
    assert post(url, picture) == Outcome(result="sent", detail=WITHOUT)
    (request,) = posted.requests
    assert request.headers["X-Meant-For"] == "prod-161.westeurope.logic.azure.com:443"
    path, _, query = request.path.partition("?")
    assert path.endswith("/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke")
    assert "sig=KODuebWbDGYFr0z0eu" in query
    assert request.headers["Content-Type"].startswith("application/json")
    said = json.loads(request.body)
    (card,) = said["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = [part["text"] for part in card["content"]["body"]]
    assert texts[0] == "turning: promoted"
    assert "turning: tree serves" in texts[1]
    assert "#17" in texts[1]


@pytest.mark.parametrize("url", [SLACK, TEAMS, WORKFLOW])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ((429, {"Retry-After": "30"}), Outcome(result="again", detail="HTTP 429", wait=30.0)),
        (500, Outcome(result="again", detail="HTTP 500")),
        (404, Outcome(result="refused", detail="HTTP 404")),
        ("hang", Outcome(result="uncertain", detail="no answer within 3 s")),
        ("close", Outcome(result="uncertain", detail="the connection was closed before an answer came")),
    ],
)
def test_an_answer_is_read_for_what_it_says(posted: Hook, url: str, fault: Any, expected: Outcome) -> None:
    posted.faults.append(fault)
    found = post(url)
    assert found == expected
    assert len(posted.requests) == 1, "Apprise itself tries nothing again"
    assert not any(secret in found.detail for secret in SECRETS)


def test_nobody_is_called_by_a_name_in_the_data(posted: Hook) -> None:
    posted.faults += [200, 202]
    for url in (SLACK, TEAMS):
        post(url, text="unseen class '<!channel>' and @everyone")
    for request in posted.requests:
        assert "<!channel>" not in json.dumps(json.loads(request.body), ensure_ascii=False)
        assert "@everyone" not in json.dumps(json.loads(request.body), ensure_ascii=False)


# --- a bot of Slack's --------------------------------------------------------------------------------------

OK = {
    "ok": True,
    "channel": "C123ABC456",
    "upload_url": "https://files.slack.com/upload/v1/ABC",
    "file_id": "F123ABC456",
    "files": [{"id": "F123ABC456", "title": "t"}],
}


def test_a_bot_of_slack_s_brings_the_picture_after_the_text(posted: Hook, picture: Path) -> None:
    posted.body = json.dumps(OK).encode()
    posted.faults += [200] * 4
    assert post(SLACK_BOT, picture) == Outcome(result="sent")
    assert [one.path.partition("?")[0] for one in posted.requests] == [
        "/api/chat.postMessage",
        "/api/files.getUploadURLExternal",
        "/upload/v1/ABC",
        "/api/files.completeUploadExternal",
    ]
    assert picture.read_bytes() in posted.requests[2].body
    assert "2026-03-01T0500Z.png" in posted.requests[1].path


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("channel_not_found", Outcome(result="refused", detail="Slack: channel_not_found")),
        ("invalid_auth", Outcome(result="refused", detail="Slack: invalid_auth")),
        ("ratelimited", Outcome(result="again", detail="Slack: ratelimited")),
    ],
)
def test_what_slack_refuses_with_200_is_refused(posted: Hook, error: str, expected: Outcome) -> None:
    posted.body = json.dumps({"ok": False, "error": error}).encode()
    posted.faults.append(200)
    assert post(SLACK_BOT) == expected


def test_a_picture_that_slack_does_not_take_does_not_send_the_text_twice(posted: Hook, picture: Path) -> None:
    posted.body = json.dumps(OK).encode()
    posted.faults += [200, 500]
    assert post(SLACK_BOT, picture) == Outcome(result="sent", detail="without the picture: HTTP 500")


# --- from a cycle ------------------------------------------------------------------------------------------


def test_a_cycle_is_told_to_slack_and_teams_a_rate_limit_of_one_holds_up_no_other(
    database: Database, tmp_path: Path, posted: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK", SLACK)
    monkeypatch.setenv("TEAMS", TEAMS)
    events = ["promoted"]
    template = {"promoted": "{candidate} since {time}, of {pipeline}"}
    targets = [
        {"name": "slack", "url_env": "SLACK", "events": events, "template": template},
        {"name": "teams", "url_env": "TEAMS", "events": events},
    ]
    world.fill(database, 1)
    with world.opened(database, tmp_path, notify=targets) as context:
        context.ledger.tells = True
        cycle.run(context, world.hours(1)[0])
        posted.faults += [(429, {"Retry-After": "1"}), 202]
        drawn = tmp_path / "drawn.png"
        drawn.write_bytes(b"PNG")
        first = deliver(database, context.pipeline, context.ledger.ids[0], picture=lambda _: drawn)
        assert (first.sent, first.waiting) == (1, 1)
        posted.faults.append(200)
        second = deliver(database, context.pipeline, context.ledger.ids[0], picture=lambda _: drawn, patience=10)
        assert (second.sent, second.waiting) == (1, 0)
    meant = [request.headers["X-Meant-For"].partition(":")[0] for request in posted.requests]
    assert meant == ["hooks.slack.com", "prod-161.westeurope.logic.azure.com", "hooks.slack.com"]
    assert posted.requests[0].headers["Idempotency-Key"] == posted.requests[2].headers["Idempotency-Key"]
    assert posted.requests[2].at - posted.requests[0].at >= 1.0
    said = json.loads(posted.requests[2].body)["attachments"][0]["text"]
    assert said == "extrapolated since 2026-03-01T00:00Z, of turning\n#1"
    with psycopg.connect(database.url) as connection:
        found = connection.execute("SELECT detail FROM heliotrope.delivery WHERE state = 'sent' ORDER BY message_id")
        assert found.fetchall() == [(WITHOUT,), (WITHOUT,)]
