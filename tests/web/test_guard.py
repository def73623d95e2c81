"""Who is let in, by which name, from which page, and what of a pipeline can be had by guessing."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from fastapi import HTTPException, Request

import world
from heliotrope.interval import format_time
from heliotrope.web import Mount, Tokens, Visitor, application
from running import COOKIE, Running, app_of, listening

SECRET = "a-token-of-more-than-16"
CYCLE = f"/pipelines/hidden/cycles/{format_time(world.START)}"


def _form(client: httpx.Client) -> str:
    client.get("/")
    return client.cookies[COOKIE]


def test_every_answer_carries_the_headers_of_security(replayed: Running) -> None:
    with replayed.client() as client:
        for path in ("/", "/nothing", "/static/web.css", "/api/openapi.json", CYCLE):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy, path
            assert "script-src 'self';" in policy, path
            assert "unsafe" not in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY"), path
            assert "server" not in headers or headers["server"] == "uvicorn", path


def test_pages_have_no_script_and_no_style_inside(replayed: Running) -> None:
    with replayed.client() as client:
        for path in ("/", "/pipelines/turning", "/pipelines/turning/champions", CYCLE):
            text = client.get(path).text
            assert "<style" not in text, path
            assert " style=" not in text, path
            assert " onclick=" not in text, path
            assert "http://" not in text.replace("http://www.w3.org", ""), path
            assert "https://" not in text, path


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b", "[::1"])
def test_a_name_that_is_not_its_own_is_refused(replayed: Running, host: str) -> None:
    """As a page would use whose own name was made to point here (DNS rebinding)."""
    with replayed.client() as client:
        answer = client.get("/", headers={"host": host})
    assert answer.status_code in (400, 421)
    assert "turning" not in answer.text


def test_prometheus_is_told_of_the_pipelines_that_one_may_see(replayed: Running) -> None:
    with replayed.client() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert 'heliotrope_score{metric="accuracy",pipeline="turning"}' in answer.text
    with (
        app_of(replayed, lambda: Visitor(name="ann", may_read=lambda name: name == "other")) as url,
        httpx.Client(base_url=url) as client,
    ):
        text = client.get("/metrics").text
    assert "turning" not in text
    assert "heliotrope_build_info" in text
    assert text.endswith("# EOF\n")


def test_the_names_it_was_given_are_its_own(replayed: Running) -> None:
    with app_of(replayed, lambda: Visitor(name="ann"), Mount(hosts=("models.example",))) as url:
        for host, status in (("models.example", 200), ("Models.Example:443", 200), ("other.example", 421)):
            assert httpx.get(url, headers={"host": host}).status_code == status, host


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_a_change_from_another_sites_page_is_refused(replayed: Running, headers: dict[str, str]) -> None:
    with replayed.client() as client:
        token = _form(client)
        for path in ("/pipelines/turning/change/pin", "/api/pipelines/turning/pin"):
            answer = client.post(path, data={"form_token": token, "reason": "no"}, headers=headers)
            assert answer.status_code == 403, path


@pytest.mark.parametrize("token", ["", "guessed", "é", None])
def test_a_form_without_its_browsers_token_changes_nothing(replayed: Running, token: str | None) -> None:
    with replayed.client() as client:
        _form(client)
        form = {"reason": "no"} if token is None else {"reason": "no", "form_token": token}
        assert client.post("/pipelines/turning/change/pin", data=form).status_code == 403
    with replayed.client() as client:  # nor where both are made up and there is no cookie
        assert client.post("/pipelines/turning/change/pin", data={"form_token": "", "reason": "no"}).status_code == 403


def test_a_pipeline_that_is_not_ones_own_is_not_there(replayed: Running) -> None:
    """By its name, by a cycle of it, in a list, or in the API: the same answer as for one that does not exist."""

    def ann() -> Visitor:
        return Visitor(name="ann", may_read=lambda name: name == "turning", may_change=lambda _: False)

    with app_of(replayed, ann) as url, httpx.Client(base_url=url) as client:
        assert ">hidden<" not in client.get("/").text
        pages = ("", "/champions", "/compare", "/whatif", "/live", "/change/pin", f"/cycles/{format_time(world.START)}")
        for page in pages:
            hidden, nothing = (client.get(f"/pipelines/{name}{page}") for name in ("hidden", "nothing"))
            assert hidden.status_code == nothing.status_code == 404, page
            assert hidden.text.replace("hidden", "nothing") == nothing.text.replace("hidden", "nothing"), page
            assert client.get(f"/pipelines/turning{page}").status_code == (403 if "change" in page else 200), page


def test_one_who_may_not_change_a_pipeline_sees_it_and_no_buttons(replayed: Running) -> None:
    def ann() -> Visitor:
        return Visitor(name="ann", may_change=lambda _: False)

    with app_of(replayed, ann) as url, httpx.Client(base_url=url) as client:
        text = client.get("/pipelines/turning/champions").text
        assert "/change/" not in text
        token = client.cookies[COOKIE]
        for action in ("promote", "rollback", "pin", "unpin"):
            form = {"form_token": token, "reason": "no", "candidate": "tree"}
            assert client.post(f"/pipelines/turning/change/{action}", data=form).status_code == 403


def test_the_host_of_a_mounted_app_says_who_asks(replayed: Running) -> None:
    """A dependency takes what FastAPI gives it, and may refuse."""

    def by_header(request: Request) -> Visitor:
        name = request.headers.get("x-user")
        if name is None:
            raise HTTPException(401)
        return Visitor(name=name)

    with app_of(replayed, by_header) as url:
        assert httpx.get(url).status_code == 401
        assert httpx.get(f"{url}/pipelines/turning").status_code == 401
        assert httpx.get(url, headers={"x-user": "ann"}).status_code == 200


def test_mounted_under_a_path_every_link_and_cookie_stays_under_it(replayed: Running) -> None:
    from fastapi import FastAPI

    inner = application(replayed.database, mount=Mount(hosts=None, framed_by=("'self'",), bare=True))
    outer = FastAPI()
    outer.mount("/apps/heliotrope", inner)
    with listening(outer) as url, httpx.Client(base_url=url) as client:
        for path in ("/", "/pipelines/turning", "/pipelines/turning/champions", "/pipelines/turning/change/pin"):
            answer = client.get(f"/apps/heliotrope{path}")
            assert answer.status_code == 200, path
            for kind in ("href", "src", "action", "hx-get"):
                for part in answer.text.split(f' {kind}="')[1:]:
                    assert part.startswith(("/apps/heliotrope/", "#")), (path, part[:60])
            assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
            assert "x-frame-options" not in answer.headers
        assert {cookie.path for cookie in client.cookies.jar} == {"/apps/heliotrope"}
        assert client.get("/apps/heliotrope/static/web.css").status_code == 200


def test_what_is_sent_is_short_and_says_so(replayed: Running) -> None:
    with replayed.client() as client:
        assert client.post("/enter", content=b"x" * 70_000).status_code == 413
        assert client.post("/enter", content=iter([b"x"])).status_code == 413


# --- tokens ------------------------------------------------------------------------------------------------


def _with_tokens(replayed: Running, tokens: Tokens) -> Any:
    return app_of(replayed, tokens)


def test_without_a_token_nothing_is_shown(replayed: Running) -> None:
    with _with_tokens(replayed, Tokens({"ann": SECRET})) as url, httpx.Client(base_url=url) as client:
        for path in ("/", "/pipelines/turning", CYCLE, "/pipelines/turning/live"):
            answer = client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/enter?back="), path
        for path in ("/api/pipelines", "/api/pipelines/turning", "/metrics", "/pipelines/turning/live/events"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
            assert answer.json()["remedy"], path
        assert client.get("/metrics", headers={"authorization": f"Bearer {SECRET}x"}).status_code == 401
        assert client.get("/metrics", headers={"authorization": f"Bearer {SECRET}"}).status_code == 200
        assert client.get("/", headers={"authorization": f"Bearer {SECRET}x"}).status_code == 303
        assert client.get("/", headers={"authorization": f"Bearer {SECRET}"}).status_code == 200


def test_one_signs_in_with_a_token_and_out_again(replayed: Running) -> None:
    with (
        _with_tokens(replayed, Tokens({"ann": SECRET, "bob": SECRET[::-1]})) as url,
        httpx.Client(base_url=url) as client,
    ):
        client.get("/enter")
        form = {"form_token": client.cookies[COOKIE], "back": "/pipelines/turning"}
        assert client.post("/enter", data={**form, "token": "guessed"}).status_code == 403
        assert client.post("/enter", data={"token": SECRET}).status_code == 403  # another site's form
        answer = client.post("/enter", data={**form, "token": SECRET})
        assert (answer.status_code, answer.headers["location"]) == (303, "/pipelines/turning")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert SECRET not in cookie
        assert "(ann)" in client.get("/pipelines/turning").text
        client.post("/leave", data=form)
        assert client.get("/").status_code == 303


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_one_is_sent_back_to_no_other_site(replayed: Running, back: str) -> None:
    with _with_tokens(replayed, Tokens({"ann": SECRET})) as url, httpx.Client(base_url=url) as client:
        client.get("/enter")
        form = {"form_token": client.cookies[COOKIE], "back": back, "token": SECRET}
        assert client.post("/enter", data=form).headers["location"] == "/"
        assert client.get("/language/ko", params={"back": back}).headers["location"] == "/"


def test_a_session_ends_and_cannot_be_made_up_or_lengthened(replayed: Running) -> None:
    now = [time.time()]
    tokens = Tokens({"ann": SECRET}, clock=lambda: now[0])
    with _with_tokens(replayed, tokens) as url, httpx.Client(base_url=url) as client:
        client.get("/enter")
        client.post("/enter", data={"form_token": client.cookies[COOKIE], "token": SECRET})
        session = client.cookies["heliotrope-session"]
        name, until, signed = session.split(".")
        later, bob = str(int(until) + 10**6), b"bob".hex()
        made_up = (f"{name}.{later}.{signed}", f"{bob}.{until}.{signed}", f"{name}.{until}.", "a.b.c", "....", "é")
        for cookie in made_up:
            raw = {b"cookie": f"heliotrope-session={cookie}".encode()}
            assert httpx.get(url, headers=raw).status_code == 303, cookie
        assert client.get("/").status_code == 200
        now[0] += 13 * 3600
        assert client.get("/").status_code == 303
