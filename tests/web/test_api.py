"""The record for programs: what the pages say, in JSON, and no answer that OpenAPI does not describe."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from heliotrope.cli.document import cycle_document
from heliotrope.interval import format_time
from heliotrope.ledger import cycles, pipeline_id
from heliotrope.web import application
from running import COOKIE, HOURS, LAST, NOW, Running, at, new_database

CYCLE = f"/api/pipelines/turning/cycles/{format_time(LAST)}"


def test_a_pipeline_and_its_cycles_as_they_are_on_record(replayed: Running) -> None:
    with replayed.client() as client:
        found = client.get("/api/pipelines").json()["pipelines"]
        assert [one["name"] for one in found] == ["hidden", "turning"]
        one = client.get("/api/pipelines/turning").json()
        assert one in found
        assert one["champion"] == "extrapolated"
        assert one["health"]["state"] in ("drifting", "healthy")
        cycle = client.get(CYCLE).json()
        assert cycle["cycle"]["interval"]["start"] == "2026-03-02T01:00:00Z"
        assert cycle["cycle"]["score"] == one["score"]
        with replayed.database.connect() as connection:
            summary = cycles(connection, pipeline_id(connection, "turning") or 0, limit=1)[0]
        shared = ("outcome", "did", "provisional", "failed", "score", "rows")
        document = cycle_document(summary, "accuracy")
        assert {name: cycle["cycle"][name] for name in shared} == {name: document[name] for name in shared}
        assert {score["role"] for score in cycle["scores"]} >= {"champion", "challenger"}
        assert [step["name"] for step in cycle["steps"]] == ["assess", "train", "gate", "done"]
        assert len(cycle["cycle"]["content_hash"]) == 64


def test_cycles_and_champions_come_a_page_at_a_time_and_none_twice(replayed: Running) -> None:
    with replayed.client() as client:
        for kind, key in (("cycles", "started_at"), ("champions", "id")):
            seen: list[Any] = []
            asked: dict[str, Any] = {"limit": 7}
            while True:
                found = client.get(f"/api/pipelines/turning/{kind}", params=asked).json()
                seen += [one[key] for one in found[kind]]
                if found["before"] is None:
                    break
                asked |= {name: found[name] for name in ("before", "before_id") if name in found}
            assert len(seen) == len(set(seen)) == HOURS, kind
            assert seen == sorted(seen, reverse=True), kind


def test_a_timeline_adds_up_to_the_cycles(replayed: Running) -> None:
    with replayed.client() as client:
        found = client.get("/api/pipelines/turning/timeline", params={"show": "all"}).json()
        cycles = client.get("/api/pipelines/turning/cycles", params={"limit": 500}).json()["cycles"]
    assert sum(one["cycles"] for one in found["places"]) == len(cycles) == HOURS
    assert sum(one["rows"] for one in found["places"]) == sum(one["rows"] for one in cycles)
    assert [one["score"] for one in found["places"]] == [one["score"] for one in reversed(cycles)]
    assert sum(one["drifted"] for one in found["places"]) == sum(bool(one["drifted"]) for one in cycles)
    assert sum(one["refreshed"] for one in found["places"]) == sum(one["outcome"] == "refresh" for one in cycles)
    assert sum(one["promoted"] for one in found["places"]) == sum(one["outcome"] == "promote" for one in cycles)
    assert found["champions"][-1]["end"] is None


def test_places_of_several_intervals_hold_each_cycle_once(replayed: Running) -> None:
    """As when there are thousands."""
    from heliotrope.interval import parse_step
    from heliotrope.ledger.overview import places, range_of, stretch

    with replayed.database.connect() as connection:
        key = (pipeline_id(connection, "turning") or 0, "")
        first, last, count = range_of(connection, *key) or pytest.fail("there is no cycle")
        every = {one.interval.start: one for one in cycles(connection, *key)}
        for most in (1, 4, 7, 25, 26, 100):
            over = stretch(first, last, parse_step("1h"), most)
            found = places(connection, *key, "accuracy", over)
            assert len(found) <= most
            assert sum(one.cycles for one in found) == count
            for one in found:
                inside = [cycle for start, cycle in every.items() if one.start <= start < one.end]
                scores = [cycle.champion["metrics"]["accuracy"] for cycle in inside if cycle.champion]
                assert len(inside) == one.cycles
                assert one.score == (pytest.approx(sum(scores) / len(scores)) if scores else None)
                assert (one.lowest, one.highest) == (min(scores, default=None), max(scores, default=None))


def test_a_comparison_is_that_of_the_intervals_both_were_scored_in(replayed: Running) -> None:
    with replayed.client() as client:
        asked = {"first": "extrapolated", "second": "tree", "show": "all"}
        found = client.get("/api/pipelines/turning/compare", params=asked).json()
        other = client.get(
            "/api/pipelines/turning/compare", params={"first": "tree", "second": "extrapolated", "show": "all"}
        ).json()
    assert found["intervals"] == HOURS - 1
    assert found["difference"] == pytest.approx(found["first_mean"] - found["second_mean"])
    assert (found["first_better"], found["second_better"]) == (other["second_better"], other["first_better"])
    assert found["difference"] == pytest.approx(-other["difference"])
    assert found["standard_error"] > 0


def test_who_serves_is_changed_with_a_reason_and_on_record(changeable: Running) -> None:
    with changeable.client() as client:
        before = client.get("/api/pipelines/turning/champions").json()["champions"]
        made = client.post(
            "/api/pipelines/turning/promote", json={"candidate": "tree", "reason": "a rule one can read"}
        )
        assert made.status_code == 200, made.text
        assert made.json()["candidate"] == "tree"
        assert made.json()["reasons"] == ["a rule one can read"]
        assert client.post("/api/pipelines/turning/pin", json={"reason": "until Monday"}).json()["pinned"]
        assert client.post("/api/pipelines/turning/pin", json={"reason": "again"}).status_code == 409
        assert not client.post("/api/pipelines/turning/unpin", json={"reason": "it is"}).json()["pinned"]
        back = client.post("/api/pipelines/turning/rollback", json={"reason": "no", "to": before[0]["id"]}).json()
        assert back["candidate"] == before[0]["candidate"]
        after = client.get("/api/pipelines/turning/champions", params={"by_hand": True}).json()["champions"]
        assert [one["did"] for one in after] == ["roll back", "unpin", "pin", "promote"]
        for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x", "candidate": "nobody"}):
            answer = client.post("/api/pipelines/turning/promote", json={"candidate": "tree"} | body)
            assert answer.status_code in (400, 422), body
            assert answer.json()["error"], body


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("promote", r'{"candidate": "tree", "reason": "a", "segment": "\ud800"}', "segment: '\\ud800' has half a char"),
        ("promote", r'{"candidate": "\ud800", "reason": "a"}', "candidate: '\\ud800' has half a character"),
        ("promote", r'{"candidate": "tree\u0000", "reason": "a"}', "candidate: 'tree\\x00' has a NUL in it"),
        ("promote", r'{"candidate": "tree", "reason": "a", "segment": "\u0000"}', "segment: '\\x00' has a NUL"),
        ("promote", r'{"candidate": "tree", "reason": "a\udfff"}', "reason: 'a\\udfff' has half a character"),
        ("promote", r'{"candidate": "tree", "reason": "a", "\ud800": 1}', "what was sent:"),
        ("promote", r'{"candidate": {"\ud800": 1}, "reason": "a"}', "candidate:"),
        ("rollback", r'{"reason": "a", "to": "\ud800"}', "to:"),
        ("pin", r'{"reason": "\ud800"}', "reason: '\\ud800' has half a character"),
        ("unpin", r'{"reason": "\u0000"}', "reason: '\\x00' has a NUL in it; remove it"),
        ("unpin", r'"\ud800"', "what was sent:"),
        ("pin", '{"reason": "%s"}' % ("x" * 2001), "reason: String should have at most 2000 characters"),
        ("pin", '{"reason": "x", "segment": "%s"}' % ("x" * 1001), "segment: String should have at most 1000"),
        ("promote", '{"reason": "x", "candidate": "%s"}' % ("x" * 64), "candidate: String should have at most 63"),
    ],
)
def test_a_text_that_the_record_cannot_keep_is_refused_with_what_is_wrong(
    replayed: Running, verb: str, body: str, said: str
) -> None:
    with replayed.client(headers={"content-type": "application/json"}) as client:
        answer = client.post(f"/api/pipelines/turning/{verb}", content=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"].startswith(said)
        assert len(answer.json()["error"]) < 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/pipelines/turning/compare?first=%00&second=tree", 404),
        ("/api/pipelines/turning/compare?first=%00&second=tree", 404),
        ("/pipelines/turning/cycles/9999-12-31T23:59:59.999999Z", 404),
        ("/api/pipelines/turning/cycles/9999-12-31T23:59:59.999999Z", 404),
        (f"/api/pipelines/turning?segment={'x' * 1001}", 422),
        (f"/api/pipelines/turning/compare?first={'x' * 64}&second=tree", 422),
    ],
)
def test_an_address_that_nothing_can_be_at_is_not_an_error_of_the_server(
    replayed: Running, path: str, status: int
) -> None:
    with replayed.client() as client:
        assert client.get(path).status_code == status


@pytest.mark.parametrize("to", ["\u00b2", "9" * 50, "-1", "one"])
def test_a_champion_that_a_form_names_by_no_number_is_refused(replayed: Running, to: str) -> None:
    with replayed.client(cookies={COOKIE: "x" * 20}) as client:
        form = {"form_token": "x" * 20, "reason": "a", "to": to}
        answer = client.post("/pipelines/turning/change/rollback", data=form)
        assert answer.status_code == 422
        assert "to: Input should" in answer.text


def test_before_anything_has_run_there_are_no_pipelines(server_url: str) -> None:
    from running import listening

    with (
        new_database(server_url, "web_nothing") as database,
        listening(application(database, clock=at(NOW))) as url,
    ):
        assert httpx.get(f"{url}/api/pipelines").json() == {"pipelines": []}
        assert httpx.get(f"{url}/api/pipelines/turning").status_code == 404
        assert "No pipeline is on record yet" in httpx.get(url).text


def test_every_answer_is_one_that_openapi_describes(changeable: Running) -> None:
    """Made-up requests, right and wrong, at every operation (schemathesis)."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    schema = schemathesis.openapi.from_url(f"{changeable.url}/api/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 13
    quick = settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    known = {"name": "turning", "start": format_time(NOW.replace(day=1, hour=2, minute=0))}
    for operation in operations:

        def called(case: Any) -> None:
            for name, value in known.items():
                if name in case.path_parameters and case.method != "POST":
                    case.path_parameters[name] = value
            if case.method == "POST":
                case.path_parameters["name"] = "turning"
            response = case.call()
            case.validate_response(
                response,
                checks=[
                    not_a_server_error,
                    checks.status_code_conformance,
                    checks.content_type_conformance,
                    checks.response_schema_conformance,
                ],
            )

        given(case=operation.as_strategy())(quick(called))()


def test_a_metric_that_was_not_measured_is_a_dash(changeable: Running) -> None:
    """As of a model that gives no probabilities, or of a declaration that has another metric now."""
    import psycopg

    with psycopg.connect(changeable.database.url) as connection:
        connection.execute(
            "INSERT INTO heliotrope.pipeline_version (pipeline_id, fingerprint, config)"
            " SELECT pipeline_id, 'other', replace(config::text, '\"accuracy\"', '\"brier\"')::json"
            " FROM heliotrope.pipeline_version ORDER BY id DESC LIMIT 1"
        )
        connection.execute("ALTER TABLE heliotrope.evaluation DISABLE TRIGGER append_only")
        connection.execute("UPDATE heliotrope.evaluation SET metrics = metrics - 'brier', gain = '{}'")
    cycle = format_time(NOW.replace(day=1, hour=2, minute=0))
    with changeable.client() as client:
        for path in ("", "/compare", "/champions", "/live", f"/cycles/{cycle}"):
            assert client.get(f"/pipelines/turning{path}").status_code == 200, path
        for path in ("", "/timeline", "/cycles", f"/cycles/{cycle}", "/progress"):
            assert client.get(f"/api/pipelines/turning{path}").status_code == 200, path
        assert client.get("/api/pipelines/turning").json()["score"] is None
        assert client.get("/").status_code == 200
