"""The process that posts: one order a line on standard input, one answer a line on standard output.

It is a process of its own because a library that hangs in a socket can only be ended from outside, because Apprise
answers a rate limit by trying again at once, which is changed here and nowhere else, and because its hundred services
and their logs, in which addresses are, then stay out of the process that runs cycles.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
import smtplib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import apprise
import requests
from apprise.manager_plugins import NotificationManager

from heliotrope.notify.outcome import Outcome, of_status

__all__ = ["check", "main", "post"]

_SERVICES = "https://github.com/caronc/apprise/wiki"

_Attempt = Mapping[str, Any]
"""url, text, title, picture, text_sent, key, timeout."""


@dataclass
class _Seen:
    """What the services' answers to the present order were; the last bad one counts."""

    key: str = ""
    url: str = ""
    timeout: float = 0.0
    bad: Outcome | None = None
    told: bool = False
    """Whether Slack has taken the text, and what is bad is the picture alone."""


_seen = _Seen()


class _BusyError(requests.RequestException):
    """The service asks to wait. Apprise takes it for a lost connection, and does not try again by itself."""


class _Watched(requests.Session):
    """What Apprise posts with: the answer is noted, and the message's key goes with it."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        request.headers["Idempotency-Key"] = _seen.key
        try:
            answer = super().send(request, **options)
        except requests.RequestException as error:
            _seen.bad = _of_fault(error)
            raise
        if answer.status_code >= 300:
            _seen.bad = of_status(answer.status_code, answer.headers, datetime.now(UTC), _reason(answer))
        elif request.url is not None and "/api/" in request.url:
            self._of_slack(request.url, answer)
        if answer.status_code == 429:
            raise _BusyError
        return answer

    def _of_slack(self, url: str, answer: requests.Response) -> None:
        """Slack answers a bot with 200 whatever became of the call, and says in JSON what did."""
        try:
            said = answer.json()
        except ValueError:
            return
        if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
            return
        if not said["ok"]:
            error = _clean(str(said.get("error", "")))[:200]
            _seen.bad = Outcome(result="again" if error in _PASSING else "refused", detail=f"Slack: {error}")
        elif url.partition("?")[0].endswith("/chat.postMessage"):
            _seen.told = True


_PASSING = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
"""What Slack calls what may be otherwise later."""


def _of_fault(error: BaseException) -> Outcome:
    """What an exception means: whether anything can have arrived."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
        return Outcome(
            result="again", detail="no connection in time" if isinstance(error, requests.Timeout) else "proxy"
        )
    if isinstance(error, requests.exceptions.SSLError):
        return Outcome(result="again", detail="no secure connection: its certificate or its TLS is not accepted")
    if isinstance(error, requests.Timeout):
        return Outcome(result="uncertain", detail=f"no answer within {_seen.timeout:g} s")
    if any(type(one).__name__ in ("NewConnectionError", "NameResolutionError") for one in _causes(error)):
        why = next((one.strerror for one in _causes(error) if isinstance(one, OSError) and one.strerror), "")
        return Outcome(result="again", detail=f"no connection: {why}" if why else "no connection")
    if isinstance(error, requests.ConnectionError):
        return Outcome(result="uncertain", detail="the connection was closed before an answer came")
    return Outcome(result="again", detail=type(error).__name__)


def _causes(error: BaseException) -> list[BaseException]:
    """The exception, and all that it came of."""
    found: list[BaseException] = []
    left: list[Any] = [error]
    while left:
        one = left.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def _reason(answer: requests.Response) -> str:
    """The service's own words, where it has a short one, with nothing of the address in it."""
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return _clean(said)[:200] if isinstance(said, str) else ""


def _clean(text: str) -> str:
    pieces = {unquote(piece) for piece in re.split(r"[/?&=@:#]+", _seen.url)} | set(re.split(r"[/?&=@:#]+", _seen.url))
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= 5:
            text = text.replace(piece, "***")
    return " ".join(text.split())


# --- mail --------------------------------------------------------------------------------------------------

_sendmail, _connect = smtplib.SMTP.sendmail, smtplib.SMTP.connect


def _noting_sendmail(self: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:
    try:
        refused = _sendmail(self, *arguments, **options)
    except smtplib.SMTPRecipientsRefused as error:
        _seen.bad = _of_codes([code for code, _ in error.recipients.values()])
        raise
    except smtplib.SMTPResponseException as error:
        _seen.bad = _of_codes([error.smtp_code])
        raise
    except (OSError, smtplib.SMTPException):
        _seen.bad = Outcome(result="uncertain", detail="the mail server went away before it answered")
        raise
    if refused:
        _seen.bad = _of_codes([code for code, _ in refused.values()])
    return refused


def _noting_connect(self: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:
    try:
        return _connect(self, *arguments, **options)
    except OSError as error:
        _seen.bad = Outcome(result="again", detail=f"no connection: {error.strerror or type(error).__name__}")
        raise


def _of_codes(codes: list[int]) -> Outcome:
    final = all(code >= 500 for code in codes)
    return Outcome(result="refused" if final else "again", detail=f"SMTP {', '.join(map(str, codes))}")


# --- orders ------------------------------------------------------------------------------------------------


def post(order: _Attempt) -> Outcome:
    """Post what the order says, to Discord in two steps: the text, then the picture."""
    global _seen
    _seen = _Seen(key=order["key"], url=order["url"], timeout=order["timeout"])
    service = _service(order["url"], order["timeout"])
    if service is None:
        return Outcome(result="refused", detail=f"Apprise knows no service of such an address, {_shown(order['url'])}")
    picture = order["picture"] if _takes_pictures(service) else None
    without = "without the picture, which this address takes none of" if picture != order["picture"] else ""
    discord = type(service).__name__ == "NotifyDiscord"
    if order["text_sent"] and picture is None:
        return Outcome(result="sent", detail="the text alone: there is no picture")
    # A class or an error that reads so would call everybody: a sign without width keeps it a word.
    text = "" if order["text_sent"] else re.sub(r"(@|<!)(everyone|here|channel)", "\\1\u200b\\2", order["text"])
    alone = discord and bool(text)
    _seen.key += "/picture" if order["text_sent"] else ""
    done = service.notify(
        body=text,
        title="" if discord else order["title"],
        attach=None if picture is None or alone else apprise.AppriseAttachment(picture),
    )
    if done:
        return Outcome(result="text_sent" if alone and picture is not None else "sent", detail=without)
    if _seen.told:  # the text is there; sent again, it would be there twice
        return Outcome(result="sent", detail=f"without the picture: {_seen.bad.detail if _seen.bad else 'not taken'}")
    return _seen.bad or Outcome(result="again", detail="Apprise could not send it, and does not say why")


def _takes_pictures(service: Any) -> bool:
    """Whether a picture gets through: Slack takes one from a bot, and none at a webhook, which Apprise drops."""
    bot = type(service).__name__ != "NotifySlack" or str(service.mode) == "bot"
    return bool(service.attachment_support) and bot


def check(url: str) -> tuple[str, str]:
    """What is wrong with an address, and the remedy; both empty where nothing is. Nothing is sent, nobody is asked."""
    if _service(url, 10.0) is not None:
        return "", ""
    schemes = set(NotificationManager().schemas())  # type: ignore[no-untyped-call]
    scheme = _scheme(url)
    if scheme in ("http", "https"):
        return (
            f"no service that Apprise knows has an address as {_shown(url)}, but for Discord's and its like",
            "write a webhook of your own as json://HOST/PATH, or jsons://HOST/PATH for https",
        )
    if scheme in schemes:
        return (
            f"what follows {scheme}:// is no address of that service: a part lacks, or is not as it should be",
            f"write it as the page of {scheme} says, at {_SERVICES}",
        )
    if not scheme:
        return "there is no scheme in front of it", "write it as discord://ID/TOKEN, say; services are at " + _SERVICES
    close = difflib.get_close_matches(scheme, sorted(schemes), n=1, cutoff=0.6)
    near = f"did you mean {close[0]}://? " if close else ""
    return f"Apprise knows no service {_shown(url)}", f"{near}the services are at {_SERVICES}"


def _scheme(url: str) -> str:
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://", url)
    return "" if found is None else found[1].lower()


def _shown(url: str) -> str:
    """What can be said of an address: its scheme, and not even the start of what has none."""
    return f"{_scheme(url)}://..." if _scheme(url) else "***, without a scheme"


def _service(url: str, timeout: float) -> Any:
    """Apprise's object for the address; None where it knows none."""
    asset = apprise.AppriseAsset(
        app_id="heliotrope", app_desc="heliotrope", app_url="", image_url_mask="", image_url_logo="", async_mode=False
    )
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is not None:
        service.socket_connect_timeout = service.socket_read_timeout = timeout
        service.retry, service.wait = 0, 0.0
    return service


def main() -> int:
    """The process: say that it is ready, then answer orders until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # what a library prints is no answer
    logging.disable(logging.CRITICAL)  # Apprise's logs hold addresses
    requests.sessions.Session = _Watched  # type: ignore[misc]  # the class that requests.post makes one of
    smtplib.SMTP.sendmail = _noting_sendmail  # type: ignore[method-assign]  # Apprise says nothing of its answers
    smtplib.SMTP.connect = _noting_connect  # type: ignore[method-assign]
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "check" in order:
            print(json.dumps(check(order["check"])), file=answers, flush=True)
            continue
        try:
            outcome = post(order)
        except Exception as error:
            outcome = _seen.bad or Outcome(result="again", detail=f"Apprise failed: {type(error).__name__}")
        print(json.dumps(asdict(outcome)), file=answers, flush=True)
    return 0
