"""What became of one attempt to send, and how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

__all__ = ["Outcome", "of_status", "retry_after"]

Result = Literal["sent", "text_sent", "again", "uncertain", "refused"]
_PASSING = (408, 425, 429)
_LONGEST = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """``text_sent``: the picture is left. ``again``: it has not arrived, and may later. ``refused``: it never will.

    ``uncertain``: nobody knows whether it arrived. ``wait`` is what the service asks for, in seconds.
    """

    result: Result
    detail: str = ""
    wait: float | None = None


def of_status(status: int, headers: Mapping[str, str], now: datetime, said: str = "") -> Outcome:
    """What an answer that is no success means. ``said``: why, in the service's words.

    >>> of_status(404, {}, datetime(2026, 11, 24, tzinfo=UTC), "Unknown Webhook")
    Outcome(result='refused', detail='HTTP 404: Unknown Webhook', wait=None)
    >>> of_status(429, {"Retry-After": "2.5"}, datetime(2026, 11, 24, tzinfo=UTC))
    Outcome(result='again', detail='HTTP 429', wait=2.5)
    """
    detail = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status >= 500 or status in _PASSING:
        return Outcome(result="again", detail=detail, wait=retry_after(headers, now))
    return Outcome(result="refused", detail=detail)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that an answer asks to wait, a day at most; None where it does not.

    >>> noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    >>> retry_after({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT"}, noon), retry_after({"Retry-After": "soon"}, noon)
    (30.0, None)
    """
    for name in ("Retry-After", "X-RateLimit-Reset-After"):
        text = headers.get(name, "").strip()
        try:
            found = float(text)
        except ValueError:
            try:
                at = parsedate_to_datetime(text)
            except ValueError:
                continue
            found = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
        if found == found:  # no NaN
            return min(max(found, 0.0), _LONGEST)
    return None
