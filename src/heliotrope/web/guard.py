"""What stands before every route: by which name it was asked for, from where, and what a browser may do with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliotrope.web.mount import Mount

__all__ = ["Guard", "is_from_elsewhere", "security_headers"]

_LONGEST = 64 * 1024
_KEPT = "private, max-age=31536000, immutable"
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Guard:
    """Refuses what comes under another's name or from another's page, and adds the headers of security."""

    def __init__(self, app: ASGIApp, *, mount: Mount) -> None:
        self.app = app
        self.mount = mount
        self._headers = security_headers(mount)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["cache-control"] = _KEPT if message["status"] in (200, 304) and named else "no-store"
            await send(message)

        inside = scope["path"].removeprefix(scope.get("root_path", ""))
        named = inside.startswith("/static/") and scope["query_string"].startswith(b"v=")
        headers = Headers(scope=scope)
        if not self.mount.answers_to(headers.get("host", "")):
            refusal = "heliotrope ui: it is asked for by a name it does not know; start it with --name NAME"
            await PlainTextResponse(refusal, 421)(scope, receive, sent)
        elif scope["method"] in _CHANGING and is_from_elsewhere(headers):
            await PlainTextResponse("heliotrope ui: refused, as it came from a page of another site", 403)(
                scope, receive, sent
            )
        elif scope["method"] in _CHANGING and not _is_short(headers):
            await PlainTextResponse("heliotrope ui: refused, as what was sent has no length, or is too long", 413)(
                scope, receive, sent
            )
        else:
            await self.app(scope, receive, sent)


def _is_short(headers: Headers) -> bool:
    """Whether a body says how long it is, and is no longer than any form; the server sees to it that it is so."""
    length = headers.get("content-length", "" if "transfer-encoding" in headers else "0")
    return length.isdigit() and int(length) <= _LONGEST


def is_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that a request comes from another site's page. What is no browser says nothing."""
    site = headers.get("sec-fetch-site")
    if site is not None:  # the browser's own word, which a proxy that changes the host leaves as it is
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


def security_headers(mount: Mount) -> dict[str, str]:
    """What every answer carries."""
    ancestors = " ".join(mount.framed_by) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    found = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    return found if mount.framed_by else {**found, "x-frame-options": "DENY"}
