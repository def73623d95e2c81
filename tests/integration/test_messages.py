"""Messages against a real PostgreSQL and real servers: what is written, what is sent, what becomes of it."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

import world
from command import Call, caller
from heliotrope import cycle, notify, steps, succession
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import DataError, LedgerError, MessageError
from heliotrope.ledger import Left, Outbox
from heliotrope.notify import Delivered, Sender, deliver
from heliotrope.order import Order
from heliotrope.records import Event
from heliotrope.replay import replay
from hook import Hook, Mail, hook, mail

DISCORD = "https://discord.com/api/webhooks/1234567890/SECRET_TOKEN"
ALL = ["training", "promoted", "refreshed", "kept", "held", "rolled_back", "drift", "failure", "recovery"]


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A webhook to which goes what is meant for Discord; TEAM holds Discord's address."""
    with hook() as running:
        divert(monkeypatch, running)
        yield running


def divert(monkeypatch: pytest.MonkeyPatch, running: Hook) -> None:
    here = str(Path(__file__).parents[1] / "services_here")
    known = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{here}{os.pathsep}{known}" if known else here)
    monkeypatch.setenv("SERVICES_HERE", running.url)
    monkeypatch.setenv("TEAM", DISCORD)


@pytest.fixture(scope="module")
def postbox() -> Iterator[Mail]:
    """A mail server."""
    with mail() as running:
        yield running


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    """One posting process for tests that send no message to Discord."""
    with Sender() as running:
        yield running


def team(**more: Any) -> dict[str, Any]:
    return {"name": "team", "url_env": "TEAM", "events": list(ALL), "picture": False, **more}


def telling(database: Database, folder: Path, *targets: dict[str, Any], **changes: Any) -> Context:
    """A context that tells the targets what it decides."""
    context = world.opened(database, folder, notify=list(targets), **changes)
    context.ledger.tells = True
    return context


def send(context: Context, **more: Any) -> Delivered:
    return deliver(context.database, context.pipeline, context.ledger.ids[0], **more)


def left(context: Context) -> tuple[Left, ...]:
    return context.ledger.outbox.left()


def rows(context: Context, query: str) -> list[Any]:
    with psycopg.connect(context.database.url) as connection:
        return connection.execute(query.encode()).fetchall()


def fail(context: Context, text: str) -> None:
    """Write a failure's message: the shortest way to one."""
    context.ledger.add_failure(DataError(text), None, at=datetime(2026, 3, 1, tzinfo=UTC))


def texts(posted: Hook) -> list[str]:
    """What was said, without the pictures."""
    return [request.body.decode() for request in posted.requests if request.body.startswith(b"{")]


# --- what goes over the wire -------------------------------------------------------------------------------


def test_discord_gets_the_text_and_then_the_picture_named_after_the_time(posted: Hook, tmp_path: Path) -> None:
    picture = tmp_path / "2026-03-01T0500Z.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00--\r\n")
    with Sender() as sender:
        first = sender.post(DISCORD, ":computer: [05:00]: TRAINING START!", key="k", timeout=5, picture=picture)
        second = sender.post(DISCORD, "unused", key="k", timeout=5, picture=picture, text_sent=True)
    assert (first.result, second.result) == ("text_sent", "sent")
    text, file = posted.requests
    assert text.path == file.path == "/api/webhooks/1234567890/SECRET_TOKEN"
    assert text.body == b'{"tts": false, "wait": true, "content": ":computer: [05:00]: TRAINING START!"}'
    assert text.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (text.headers["Idempotency-Key"], file.headers["Idempotency-Key"]) == ("k", "k/picture")
    boundary = re.fullmatch("multipart/form-data; boundary=([0-9a-f]{32})", file.headers["Content-Type"])
    assert boundary
    line = b"--" + boundary[1].encode()
    assert file.body == (
        line + b'\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{"tts": false, "wait": true}\r\n'
        + line + b'\r\nContent-Disposition: form-data; name="files[0]"; filename="2026-03-01T0500Z.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + picture.read_bytes() + b"\r\n" + line + b"--\r\n"
    )  # fmt: skip


def test_nobody_is_called_by_a_name_in_the_data(posted: Hook) -> None:
    with Sender() as sender:
        sender.post(DISCORD, "unseen class '@everyone', @here and <!channel>", key="k", timeout=5)
    assert "'@\\u200beveryone', @\\u200bhere and <!\\u200bchannel>" in texts(posted)[0]


@pytest.mark.parametrize(
    ("fault", "result", "detail", "wait"),
    [
        (204, "sent", "", None),
        (200, "sent", "", None),
        (400, "refused", "HTTP 400", None),
        (401, "refused", "HTTP 401", None),
        (404, "refused", "HTTP 404", None),
        (408, "again", "HTTP 408", None),
        ((429, {"Retry-After": "2.5"}), "again", "HTTP 429", 2.5),
        ((429, {"X-RateLimit-Reset-After": "3"}), "again", "HTTP 429", 3.0),
        (500, "again", "HTTP 500", None),
        ((503, {"Retry-After": "7"}), "again", "HTTP 503", 7.0),
        ("close", "uncertain", "the connection was closed before an answer came", None),
        ("hang", "uncertain", "no answer within 1 s", None),
        ("drip", "uncertain", "no end within 6 s; it was cut off", None),
    ],
)
def test_an_answer_is_read_for_what_it_says(
    posted: Hook, fault: Any, result: str, detail: str, wait: float | None
) -> None:
    posted.faults.append(fault)
    with Sender() as sender:
        begun = time.monotonic()
        found = sender.post(DISCORD, "text", key="k", timeout=1)
        spent = time.monotonic() - begun
        assert (found.result, found.detail, found.wait) == (result, detail, wait)
        assert len(posted.requests) == 1, "Apprise itself tries nothing again"
        assert spent < 20
        assert sender.post(DISCORD, "next", key="k", timeout=5).result == "sent"


def test_a_services_own_words_are_told_without_what_is_secret(posted: Hook) -> None:
    posted.faults.append(404)
    posted.body = b'{"message": "Unknown Webhook SECRET_TOKEN of 1234567890", "code": 10015}'
    with Sender() as sender:
        found = sender.post(DISCORD, "text", key="k", timeout=5)
    assert found.detail == "HTTP 404: Unknown Webhook *** of ***"


def test_a_server_that_is_not_there_has_got_nothing(sender: Sender) -> None:
    found = sender.post("json://127.0.0.1:1/SECRET", "text", key="k", timeout=2)
    assert (found.result, found.detail) == ("again", "no connection: Connection refused")
    found = sender.post("json://nosuch.invalid/SECRET", "text", key="k", timeout=2)
    assert found.result == "again"
    assert found.detail.startswith("no connection")


def test_an_address_of_no_service_is_refused_without_being_shown(sender: Sender) -> None:
    found = sender.post("dscord://1234/SECRET", "text", key="k", timeout=2)
    assert (found.result, found.detail) == ("refused", "Apprise knows no service of such an address, dscord://...")


def test_a_webhook_gets_text_and_picture_in_one(posted: Hook, sender: Sender, tmp_path: Path) -> None:
    picture = tmp_path / "2026-03-01T0500Z.png"
    picture.write_bytes(b"PNG")
    url = f"json://127.0.0.1:{posted.port}/here"
    found = sender.post(url, "text", key="k", title="turning: kept", timeout=5, picture=picture)
    assert found.result == "sent"
    said = yaml.safe_load(posted.requests[0].body)
    assert (said["title"], said["message"]) == ("turning: kept", "text")
    assert [one["filename"] for one in said["attachments"]] == ["2026-03-01T0500Z.png"]


def test_mail_has_subject_text_and_picture(postbox: Mail, sender: Sender, tmp_path: Path) -> None:
    picture = tmp_path / "2026-03-01T0500Z.png"
    picture.write_bytes(b"PNG")
    url = f"mailto://127.0.0.1:{postbox.port}?from=a@example.com&to=b@example.com&mode=insecure"
    assert sender.post(url, "text", key="k", title="turning: kept", timeout=5, picture=picture).result == "sent"
    letter = postbox.messages[-1].decode()
    assert "Subject: turning: kept" in letter
    assert 'filename="2026-03-01T0500Z.png"' in letter


def test_a_mail_server_that_refuses_for_now_is_asked_again_and_one_that_refuses_is_not(
    postbox: Mail, sender: Sender
) -> None:
    url = f"mailto://127.0.0.1:{postbox.port}?from=a@example.com&to=b@example.com&mode=insecure"
    postbox.faults += [450, 550]
    found = [sender.post(url, "text", key="k", timeout=5) for _ in range(2)]
    assert [(one.result, one.detail) for one in found] == [("again", "SMTP 450"), ("refused", "SMTP 550")]
    found[0] = sender.post(url.replace(str(postbox.port), "1"), "text", key="k", timeout=2)
    assert (found[0].result, found[0].detail) == ("again", "no connection: Connection refused")


# --- what is written ---------------------------------------------------------------------------------------


def test_messages_are_written_with_the_decision_they_tell_of(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    with telling(database, tmp_path, team()) as context:
        for hour in world.hours(2):
            cycle.run(context, hour)
        found = rows(
            context,
            "SELECT event, stage, action, facts ->> 'time', facts ->> 'champion', state FROM heliotrope.message_state"
            " JOIN heliotrope.decision ON decision.id = decision_id WHERE event <> 'drift' ORDER BY message_state.id",
        )
        assert found == [
            ("training", "trigger", "train", "2026-03-01T00:00Z", None, "waiting"),
            ("promoted", "gate", "promote", "2026-03-01T00:00Z", "extrapolated", "waiting"),
            ("training", "trigger", "train", "2026-03-01T01:00Z", "extrapolated", "waiting"),
            ("refreshed", "gate", "promote", "2026-03-01T01:00Z", "extrapolated", "waiting"),
        ]


def test_a_decision_that_is_not_kept_leaves_no_message(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fill(database, 1)
    with telling(database, tmp_path, team()) as context:
        tell = Outbox.tell

        def fall(self: Outbox, *arguments: Any) -> None:
            tell(self, *arguments)
            raise KeyboardInterrupt

        monkeypatch.setattr(Outbox, "tell", fall)
        with pytest.raises(KeyboardInterrupt):
            cycle.run(context, world.hours(1)[0])
        assert rows(context, "SELECT count(*) FROM heliotrope.message") == [(0,)]
        monkeypatch.setattr(Outbox, "tell", tell)
        cycle.run(context, world.hours(1)[0])
        assert rows(context, "SELECT event FROM heliotrope.message ORDER BY id") == [("training",), ("promoted",)]


def test_messages_that_cannot_be_written_fail_no_cycle_and_are_said(database: Database, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    world.fill(database, 1)
    with telling(database, tmp_path, team()) as context:
        context.ledger.notice = lambda *said: told.append(said)
        with psycopg.connect(database.url) as connection:
            connection.execute("DROP TABLE heliotrope.message CASCADE")
        assert cycle.run(context, world.hours(1)[0])
        assert rows(context, "SELECT count(*) FROM heliotrope.step WHERE name = 'done'") == [(1,)]
        assert len(told) == 2
        assert told[0][0].startswith('nobody is told of what was decided: relation "heliotrope.message" does not exist')


def test_history_that_is_replayed_is_told_to_nobody(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, notify=[team()]) as context:
        list(replay(context, world.hours(3)))
        assert rows(context, "SELECT count(*) FROM heliotrope.message") == [(0,)]
        context.ledger.tells = True
        list(replay(context, world.hours(3)))
        assert rows(context, "SELECT count(*) FROM heliotrope.message") == [(0,)], "what is done is not done again"


def test_a_pipeline_that_tells_nobody_makes_no_more_round_trips_when_it_may(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    counts = []
    for hour, tells in zip(world.hours(2), (False, True), strict=True):
        with world.opened(database, tmp_path) as context:
            context.ledger.tells = tells
            statements: list[object] = []
            connection = context.ledger.connection
            execute = connection.execute

            def counted(*arguments: Any, _execute: Any = execute, _into: Any = statements, **named: Any) -> Any:
                _into.append(arguments[0])
                return _execute(*arguments, **named)

            connection.execute = counted  # type: ignore[method-assign]  # what is sent is counted, and sent
            cycle.run(context, hour)
            counts.append([str(one) for one in statements if "message" in str(one) or "delivery" in str(one)])
    assert counts == [[], []]


def test_who_is_promoted_and_put_back_by_hand_is_told(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    with world.opened(database, tmp_path, notify=[team()]) as context:
        list(replay(context, world.hours(2)))
        context.ledger.tells = True
        succession.promote(context, "tree", reason="a rule one can read", actor="ann")
        succession.roll_back(context, to=None, reason="it fails", actor="bob")
        found = rows(
            context,
            "SELECT event, facts ->> 'candidate', facts ->> 'previous', facts ->> 'actor', facts -> 'reasons' ->> 0"
            " FROM heliotrope.message ORDER BY id",
        )
    assert found == [
        ("promoted", "tree", "extrapolated", "ann", "a rule one can read"),
        ("rolled_back", "extrapolated", "tree", "bob", "it fails"),
    ]


def test_a_target_is_told_the_events_it_wants(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    targets = (team(name="all"), team(name="some", events=["promoted", "failure"]))
    with telling(database, tmp_path, *targets) as context:
        cycle.run(context, world.hours(1)[0])
        found = rows(context, "SELECT target, event FROM heliotrope.message ORDER BY id")
    assert found == [("all", "training"), ("all", "promoted"), ("some", "promoted")]


def test_candidates_that_all_fail_are_a_failure_and_the_next_cycle_the_recovery(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 3)
    broken = [{"name": "broken", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": -5}}]
    with telling(database, tmp_path, team(events=["failure", "recovery"]), candidates=broken) as context:
        for hour in world.hours(2):
            cycle.run(context, hour)
    with telling(database, tmp_path, team(events=["failure", "recovery"])) as context:
        cycle.run(context, world.hours(3)[2])
        found = rows(
            context, "SELECT event, repeats IS NOT NULL, facts ->> 'error' FROM heliotrope.message ORDER BY id"
        )
    assert [row[:2] for row in found] == [("failure", False), ("failure", True), ("recovery", False)]
    assert found[0][2].startswith("every candidate failed: broken: ")


# --- what says the same ------------------------------------------------------------------------------------


def test_a_failure_that_says_the_same_is_sent_once_until_a_recovery(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    world.fill(database, 1)
    with telling(database, tmp_path, team(events=["failure", "recovery"])) as context:
        for text in ("no table", "no table", "no rows", "no table"):
            fail(context, text)
        cycle.run(context, world.hours(1)[0])
        fail(context, "no table")
        assert send(context).sent == 4
        said = texts(posted)
        assert ["no table" in said[0], "no rows" in said[1], "runs again" in said[2], "no table" in said[3]] == [
            True
        ] * 4
        assert "said once for 3" in said[0], "what is not sent is counted"
        assert left(context) == ()


def test_the_same_is_said_again_after_the_time_that_is_declared(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    with telling(database, tmp_path, team(repeat_after="1s")) as context:
        fail(context, "no table")
        time.sleep(1.1)
        fail(context, "no table")
        assert send(context).sent == 2


# --- sending -----------------------------------------------------------------------------------------------


def test_what_is_sent_is_marked_and_not_sent_again(database: Database, tmp_path: Path, posted: Hook) -> None:
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        assert send(context) == Delivered(sent=1)
        assert send(context) == Delivered()
        assert len(posted.requests) == 1
        assert rows(context, "SELECT number, state FROM heliotrope.delivery ORDER BY 1") == [
            (1, "sending"),
            (2, "sent"),
        ]


def test_a_cycles_picture_comes_after_its_text(database: Database, tmp_path: Path, posted: Hook) -> None:
    picture = tmp_path / "2026-03-01T0000Z.png"
    picture.write_bytes(b"PNG")
    world.fill(database, 1)
    with telling(database, tmp_path, team(events=["promoted"], picture=True)) as context:
        cycle.run(context, world.hours(1)[0])
        asked = []

        def drawn(interval: object) -> Path:
            asked.append(interval)
            return picture

        posted.faults += [204, 500]
        assert send(context, picture=drawn).waiting == 1
        assert asked == [world.hours(1)[0]] * 2
        time.sleep(1.1)
        assert send(context, picture=drawn).sent == 1
        states = [row[0] for row in rows(context, "SELECT state FROM heliotrope.delivery ORDER BY number")]
    assert states == ["sending", "text_sent", "sending", "waiting", "sending", "sent"]
    assert len(texts(posted)) == 1, "the text is not said twice because of its picture"
    assert sum(b'filename="2026-03-01T0000Z.png"' in one.body for one in posted.requests) == 2


def test_a_service_that_asks_to_wait_is_left_alone_for_so_long(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    posted.faults.append((429, {"Retry-After": "1.7"}))
    with telling(database, tmp_path, team()) as context:
        fail(context, "one")
        fail(context, "two")
        assert send(context, patience=0.5).waiting == 2
        assert len(posted.requests) == 1, "the next message waits too"
        assert send(context, patience=5).sent == 2
    first, again, second = posted.requests
    assert again.at - first.at >= 1.7
    assert b"one" in again.body
    assert b"two" in second.body


def test_a_server_that_is_down_is_tried_less_and_less_often_and_found_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with hook() as gone:
        divert(monkeypatch, gone)
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        done = send(context, patience=5, notice=lambda text, _: told.append(text))
        assert (done.sent, done.waiting, done.failed) == (0, 1, 0)
        assert told == ["team: message 1, failure: no connection: Connection refused"]
        waits = rows(context, "SELECT extract(epoch FROM due_at - at)::float FROM heliotrope.delivery"
                     " WHERE state = 'waiting' ORDER BY number")  # fmt: skip
        assert [round(row[0]) for row in waits][:3] == [1, 2, 4]
        with hook(gone.port) as back:
            assert send(context, patience=5).sent == 1
            assert len(back.requests) == 1
        assert left(context) == ()


def test_what_is_refused_has_failed_and_can_be_sent_again_by_hand(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    posted.faults.append(404)
    with telling(database, tmp_path, team()) as context:
        fail(context, "one")
        fail(context, "two")
        assert (done := send(context)).failed == 1
        assert done.sent == 1, "the next one is not held up by it"
        (one,) = left(context)
        assert (one.state, one.detail, one.is_open) == ("failed", "HTTP 404", False)
        context.ledger.outbox.mark(one.id, one.number + 1, "requeued", due_in=0.0)
        assert send(context).sent == 1


def test_what_does_not_get_through_for_long_has_failed(database: Database, tmp_path: Path, posted: Hook) -> None:
    posted.faults += [500] * 9
    with telling(database, tmp_path, team(give_up_after="1s")) as context:
        fail(context, "one")
        time.sleep(1.1)
        assert send(context).waiting == 1, "it is tried once, however old it is"
        time.sleep(1.1)
        assert send(context).failed == 1
        (one,) = left(context)
        assert (one.state, one.detail) == ("failed", "not sent within 1s; 1 attempts")


def test_in_quiet_hours_only_what_they_let_through_is_sent(database: Database, tmp_path: Path, posted: Hook) -> None:
    world.fill(database, 1)
    now = datetime.now(UTC)
    hours = {
        "start": (now - timedelta(hours=1)).strftime("%H:%M"),
        "end": (now + timedelta(hours=1)).strftime("%H:%M"),
        "time_zone": "UTC",
        "let_through": ["failure"],
    }
    with telling(database, tmp_path, team(quiet_hours=hours)) as context:
        cycle.run(context, world.hours(1)[0])
        fail(context, "no table")
        done = send(context)
        assert (done.sent, done.waiting) == (1, 2)
        assert "no table" in texts(posted)[0]
        loud = context.pipeline.notify[0].model_copy(update={"quiet_hours": None})
        quiet = context.pipeline.model_copy(update={"notify": (loud,)})
        assert deliver(database, quiet, context.ledger.ids[0]).sent == 2


def test_what_waits_for_a_target_that_is_declared_no_more_is_closed(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    with telling(database, tmp_path, team(name="old"), team()) as context:
        fail(context, "no table")
        fewer = context.pipeline.model_copy(update={"notify": context.pipeline.notify[1:]})
        done = deliver(database, fewer, context.ledger.ids[0])
        assert (done.sent, done.failed, done.waiting) == (1, 1, 0)
        assert [one.detail for one in left(context)] == ["turning declares no target 'old' any more"]


def test_a_target_without_an_address_holds_up_no_other(
    database: Database, tmp_path: Path, posted: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    with telling(database, tmp_path, team(name="other", url_env="OTHER"), team()) as context:
        fail(context, "no table")
        done = send(context, notice=lambda *said: told.append(said))
        assert (done.sent, done.waiting) == (1, 1)
        assert told == [("other: the environment has no OTHER", "let it hold the address")]
        monkeypatch.setenv("OTHER", DISCORD)
        assert send(context).sent == 1


def test_an_address_may_come_from_anywhere(database: Database, tmp_path: Path, posted: Hook) -> None:
    target = {"name": "team", "connection": "discord_default", "events": ALL}
    with telling(database, tmp_path, target) as context:
        fail(context, "no table")
        assert send(context).told == ["team: its address is an Airflow connection, which is known inside Airflow alone"]
        known = {"discord_default": DISCORD}
        assert send(context, resolver=lambda one: known[one.connection or ""]).sent == 1


# --- who sends ---------------------------------------------------------------------------------------------


def test_two_senders_at_once_send_every_message_once(database: Database, tmp_path: Path, posted: Hook) -> None:
    with telling(database, tmp_path, team()) as context:
        for count in range(20):
            fail(context, f"failure {chr(97 + count)}.")
        done: list[Delivered] = []

        def work() -> None:
            done.append(deliver(database, context.pipeline, context.ledger.ids[0], patience=30))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(one.sent for one in done) == 20
        assert left(context) == ()
        said = [ord(found[1]) - 97 for text in texts(posted) if (found := re.search(r"failure (\w)\.", text))]
    assert said == list(range(20)), "each once, and in order"


def test_a_claim_is_made_by_one_alone(database: Database, tmp_path: Path) -> None:
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        outbox = context.ledger.outbox
        (one,) = left(context)
        barrier, won = threading.Barrier(8), []

        def claim() -> None:
            with database.connect(autocommit=True) as connection:
                mine = Outbox(connection, context.ledger.ids[0])
                barrier.wait()
                won.append(mine.mark(one.id, 1, "sending", due_in=60))

        threads = [threading.Thread(target=claim) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 7 + [True]
        found = outbox.next("team", tuple(Event))
        assert found is not None
        assert found.state == "sending"


@pytest.mark.parametrize("uncertain", ["again", "leave"])
def test_a_message_whose_sender_died_is_sent_again_as_the_same_or_left_as_declared(
    database: Database, tmp_path: Path, posted: Hook, uncertain: str
) -> None:
    told: list[str] = []
    with telling(database, tmp_path, team(uncertain=uncertain)) as context:
        fail(context, "one")
        (one,) = left(context)
        context.ledger.outbox.mark(one.id, 1, "sending", due_in=0.0)  # and the sender dies here
        done = send(context, notice=lambda text, _: told.append(text))
        why = "the process that sent it ended before it said what became of it"
        assert told == [f"team: message 1, failure: may have arrived: {why}"]
        if uncertain == "again":
            assert (done.sent, len(posted.requests)) == (1, 1)
            assert "#1, sent again: nobody knows whether it arrived" in texts(posted)[0]
        else:
            assert (done.sent, len(posted.requests)) == (0, 0)
            (one,) = left(context)
            assert (one.state, one.is_open) == ("uncertain", False)


def test_a_message_without_an_answer_is_sent_again_with_the_same_key(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    posted.faults.append("close")
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        assert send(context, patience=5).sent == 1
    first, second = posted.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert b"sent again" not in first.body
    assert b"sent again" in second.body


def test_a_wait_for_an_answer_is_said(database: Database, tmp_path: Path, posted: Hook) -> None:
    told: list[str] = []
    posted.faults.append("hang")
    with telling(database, tmp_path, team(timeout=4)) as context:
        fail(context, "no table")
        assert send(context, notice=lambda text, _: told.append(text)).waiting == 1
    assert "waiting for an answer to a message, up to 9 s" in told
    assert told[-1] == "team: message 1, failure: may have arrived: no answer within 4 s"


def test_a_claim_that_another_holds_is_waited_for(database: Database, tmp_path: Path, posted: Hook) -> None:
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        (one,) = left(context)
        context.ledger.outbox.mark(one.id, 1, "sending", due_in=60.0)
        assert (done := send(context)).sent == 0
        assert (done.waiting, posted.requests) == (1, [])


def test_the_record_of_messages_is_append_only(database: Database, tmp_path: Path) -> None:
    with telling(database, tmp_path, team()) as context:
        fail(context, "no table")
        context.ledger.outbox.mark(1, 1, "sending", due_in=1.0)
        for table in ("message SET target = 'x'", "delivery SET state = 'sent'"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                context.ledger.connection.execute(f"UPDATE heliotrope.{table}".encode())


# --- the command line --------------------------------------------------------------------------------------


@pytest.fixture
def call(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    posted: Hook,
) -> Call:
    """The command line in a folder with turning.yaml, which tells ``team`` everything; three hours of rows."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database_url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    world.fill(Database(database_url), 3)
    write(team(picture=True))
    return caller(capsys)


def write(*targets: dict[str, Any], **changes: Any) -> None:
    Path("turning.yaml").write_text(yaml.safe_dump({**world.PIPELINE, "notify": list(targets), **changes}))


def run(call: Call, hour: int, *more: str) -> Any:
    return call("run", "--interval", world.hours(hour + 1)[hour].start.isoformat(), *more)


def test_run_tells_what_the_original_told_and_more(call: Call, posted: Hook) -> None:
    ended = run(call, 0)
    assert (ended.code, ended.err) == (0, "")
    assert "messages   2 messages sent" in ended.out
    start, promoted, picture = (request.body for request in posted.requests)
    assert b":computer: [2026-03-01T00:00Z]: TRAINING START! turning" in start
    assert b"extrapolated is the first champion and serves from 2026-03-01T01:00Z" in promoted
    assert b'filename="2026-03-01T0000Z.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG' in picture
    assert run(call, 0, "--json").document["messages"] == {"sent": 0, "failed": 0, "waiting": 0}


def test_run_can_be_told_to_tell_nobody_and_replay_to_tell(call: Call, posted: Hook) -> None:
    assert run(call, 0, "--no-notify", "--json").document["messages"] is None
    assert call("replay", "--end", "2026-03-01T02:00Z", "--json").document["messages"] is None
    assert posted.requests == []
    said = call("replay", "--notify", "--no-pictures", "--json").document["messages"]
    assert said["sent"] == len(posted.requests) >= 2


def test_a_run_whose_messages_cannot_be_sent_is_a_good_run_that_says_so(call: Call, posted: Hook) -> None:
    posted.faults += [404] * 5
    ended = run(call, 0, "--json")
    assert ended.code == 0
    assert ended.document["messages"] == {"sent": 0, "failed": 2, "waiting": 0}
    assert "warning: team: message 1, training: HTTP 404" in ended.err
    assert "remedy: mend its address, then `heliotrope notify --resend all`" in ended.err
    assert "turning: messages: 2 failed; see `heliotrope notify turning --pending`" in call("status").out
    (said,) = call("status", "--json").document["pipelines"][0]["messages"][:1]
    assert (said["target"], said["event"], said["state"], said["detail"]) == ("team", "training", "failed", "HTTP 404")
    checks = {one["name"]: one for one in call("doctor", "--json").document["checks"]}
    assert (checks["turning messages"]["state"], checks["turning messages"]["found"]) == ("warn", "messages: 2 failed")
    assert checks["turning to team"]["state"] == "ok"
    listed = call("notify", "--pending")
    assert listed.code == 0
    assert "training" in listed.out
    assert "HTTP 404" in listed.out
    assert posted.requests[2:] == []
    posted.faults.clear()
    again = call("notify", "--resend", "1", "--json")
    assert (again.code, again.document["delivered"]["sent"]) == (0, 1)
    assert call("notify", "--resend", "all").out.splitlines()[-1] == "turning: every message is through"


def test_a_run_that_fails_is_told_and_so_is_the_recovery(call: Call, posted: Hook, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE continuous_training RENAME TO elsewhere")
    for _ in range(2):
        ended = run(call, 0)
        assert ended.code == 3
        assert ended.err.startswith("error: ")
    assert len(posted.requests) == 1, "the same failure is told once"
    assert "turning failed: " in texts(posted)[0]
    assert "[2026-03-01T00:00Z]" in texts(posted)[0]
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO continuous_training")
    assert run(call, 0, "--no-pictures").code == 0
    assert [text for text in texts(posted) if "turning runs again" in text]


def test_a_candidate_promoted_by_hand_is_told(call: Call, posted: Hook) -> None:
    run(call, 0, "--no-notify")
    ended = call("promote", "turning", "tree", "--reason", "a rule one can read")
    assert ended.code == 0
    assert "messages    1 message sent" in ended.out
    assert "tree serves from 2026-03-01T01:00Z, before it extrapolated" in texts(posted)[0]
    assert call("rollback", "--reason", "no", "--json").document["messages"]["sent"] == 1


def test_a_test_message_goes_to_every_target(call: Call, posted: Hook) -> None:
    write(team(), team(name="other", url_env="OTHER"))
    ended = call("notify", "turning.yaml", "--test", "--json")
    assert ended.code == 1
    assert ended.document["targets"] == [
        {"target": "team", "ok": True, "found": "sent"},
        {"target": "other", "ok": False, "found": "other: the environment has no OTHER (let it hold the address)"},
    ]
    assert call("notify", "turning.yaml", "--test", "--target", "team").code == 0
    assert "heliotrope can send messages here, as team" in texts(posted)[-1]


def test_notify_refuses_what_it_does_not_understand(call: Call, posted: Hook) -> None:
    assert call("notify", "turning.yaml", "--target", "taem").err == (
        "error: turning has no target 'taem'\nremedy: did you mean 'team'?\n"
    )
    assert call("notify", "turning.yaml", "--test", "--pending").code == 2
    run(call, 0)
    assert call("notify", "--resend", "9").err.startswith("error: there is no message '9' to send again")
    write()
    assert call("notify", "turning.yaml", "--test").err.startswith("error: turning tells nobody")


def test_an_address_in_the_file_is_nowhere_else(call: Call, posted: Hook, database_url: str, tmp_path: Path) -> None:
    write(team(url=DISCORD, url_env=None, picture=True))
    posted.faults += [404, 500, "close", (429, {"Retry-After": "1"})]
    said = [run(call, hour, *more) for hour, more in ((0, ()), (1, ("--json",)))]
    verbs = ("status", "doctor", "validate", "history", "notify turning.yaml --pending", "notify turning.yaml --test")
    said += [call(*verb.split(), *more) for verb in verbs for more in ((), ("--json",))]
    promoted = call("promote", "turning", "tree", "--reason", "by name")
    assert "team: its address stands in the pipeline's file alone, not on record" in promoted.err
    said += [promoted, call("notify", "turning.yaml")]
    assert not [one for one in said if "SECRET" in one.out + one.err]
    assert "tree serves from" in texts(posted)[-1], "whoever has the file sends what was left"
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'heliotrope'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            text = connection.execute(
                f"SELECT string_agg(t::text, ' ') FROM heliotrope.{table} AS t".encode()
            ).fetchone()
            assert text is not None
            assert "SECRET" not in (text[0] or ""), table
    kept = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert not [file for file in kept if b"SECRET" in file.read_bytes()]


def test_the_address_is_in_no_list_of_processes(posted: Hook) -> None:
    posted.faults.append("hang")
    with Sender() as sender:
        sender.start()
        thread = threading.Thread(target=sender.post, args=(DISCORD, "text"), kwargs={"key": "k", "timeout": 1})
        thread.start()
        while not posted.requests:
            time.sleep(0.01)
        shown = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
        thread.join()
    assert not [line for line in shown if b"SECRET_TOKEN" in line]


def test_a_posting_process_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with Sender() as sender, pytest.raises(MessageError, match="did not start"):
        sender.start()


def test_an_address_in_a_file_is_its_first_line(tmp_path: Path) -> None:
    def target(path: Path) -> Any:
        return world.pipeline(notify=[{"name": "team", "url_file": str(path)}]).notify[0]

    good, empty = tmp_path / "team", tmp_path / "empty"
    good.write_text(f"{DISCORD}\nnot this\n")
    empty.write_text("\n")
    assert notify.address(target(good)) == DISCORD
    for path, why in ((empty, "is empty"), (tmp_path / "nosuch", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(MessageError, match=why):
            notify.address(target(path))


# --- steps, one by one -------------------------------------------------------------------------------------


def test_steps_tell_when_a_training_begins_and_what_the_cycle_came_to(
    database: Database, tmp_path: Path, posted: Hook
) -> None:
    world.fill(database, 2)
    hour = world.hours(1)[0]
    with world.opened(database, tmp_path, notify=[team()]) as context:
        said = []
        for step in ("assess", "announce", "train", "gate", "publish"):
            steps.perform(context, Order(step=step, interval=hour))
            said.append(len(texts(posted)))
        assert said == [0, 1, 1, 1, 2]
        assert "TRAINING START" in texts(posted)[0]
        assert "extrapolated is the first champion and serves from 2026-03-01T01:00Z" in texts(posted)[1]
        with pytest.raises(LedgerError):
            steps.perform(context, Order(step="train", interval=world.hours(2)[1]))
        assert len(texts(posted)) == 3
        assert not context.ledger.tells


def test_another_resolver_says_where_a_target_is(database: Database, tmp_path: Path, posted: Hook) -> None:
    world.fill(database, 1)
    hour = world.hours(1)[0]
    target = {"name": "team", "connection": "discord", "events": ["promoted"], "picture": False}
    with world.opened(database, tmp_path, notify=[target]) as context:
        for step in ("assess", "train", "gate", "publish"):
            done = steps.perform(context, Order(step=step, interval=hour), resolver=lambda one: DISCORD)
        assert done["messages"] == {"sent": 1, "failed": 0, "waiting": 0}
