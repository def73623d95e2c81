"""Messages: who is told what, when, in which words. A secret stands in no record, message or error."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SecretStr, model_validator

from heliotrope.config.setting import Positive, Settings, Step
from heliotrope.errors import nearest, shown
from heliotrope.records import Event

__all__ = ["FIELDS", "QuietHours", "Target"]

FIELDS = (
    *("pipeline", "segment", "interval", "time", "event", "action", "reasons", "candidate", "previous", "champion"),
    *("metric", "score", "rows", "drifted", "actor", "error", "remedy"),
)
"""What a template may name in braces."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _event(value: object) -> Event:
    if isinstance(value, Event):
        return value
    known = [one.value for one in Event]
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{_harmless(value)} is no event; {nearest(str(value), known)}")
    return Event(value)


def _harmless(value: object) -> str:
    """The value as an error may show it: what is no plain word may be an address pasted to the wrong place."""
    text = shown(value)
    return text if re.fullmatch(r"'?([A-Za-z_ -]{0,16}|[A-Za-z]+/[A-Za-z_]+|[\d:]{1,8})'?", text) else "that"


def _clock_time(value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))  # YAML reads 22:30 without quotes as a number in base 60
    try:
        return time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{_harmless(value)} is not a time of day; write it as 22:00") from None


def _clock_text(value: time) -> str:
    return value.strftime("%H:%M:%S") if value.second else value.strftime("%H:%M")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{_harmless(name)} is no time zone; write one as Europe/Berlin or UTC") from None
    return name


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("it names an environment variable, and is no address itself; write one as DISCORD_WEBHOOK")
    return name


def _file(path: str) -> str:
    if "://" in path:
        raise ValueError("it names a file, and is no address itself; put the address into the file's first line")
    return path


def _name(text: str) -> str:
    """As setting.Name, which would show what may be an address."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", text):
        raise ValueError("it is not a name; begin with a letter or digit, then at most 62 of those or . _ -")
    return text


def _address(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) and set(text) != {"*"}:
        raise ValueError("it is no address with a scheme; write one as discord://ID/TOKEN, or as https://...")
    return secret


def _template(text: str) -> str:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ and }}}} for braces that are meant") from None
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in FIELDS:
            raise ValueError(f"{{{name[:40]}}} is nothing that a template may name; {nearest(name, FIELDS)}")
        if spec or conversion:
            raise ValueError(f"{{{name}}} takes no format; write it alone")
    return text


def _templates(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_event(key): text for key, text in value.items()}
    return value


Name = Annotated[str, AfterValidator(_name)]
EventName = Annotated[Event, BeforeValidator(_event), PlainSerializer(str, return_type=str)]
ClockTime = Annotated[time, BeforeValidator(_clock_time), PlainSerializer(_clock_text, return_type=str)]


class QuietHours(Settings):
    """When nothing is sent: what comes then waits for their end."""

    start: ClockTime = Field(description="the time of day at which they begin, as 22:00")
    end: ClockTime = Field(description="the time of day at which they end; before start: on the next day")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(description="of both, as Europe/Berlin")
    let_through: tuple[EventName, ...] = Field((), description="events that are sent all the same, as failure")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same; leave quiet_hours out, or give them a length")
        return self


class Target(Settings):
    """Who is told: an address that Apprise knows, the events, and in which words.

    The address holds a secret, so it is best named, by ``url_env``, ``url_file`` or ``connection``. One that stands
    in the file as ``url`` is kept out of the ledger: a verb that knows the pipeline by its name alone cannot send.
    """

    name: Name = Field(description="how it is called in tables and in the ledger")
    url_env: Annotated[str, AfterValidator(_variable)] | None = Field(
        None, description="the environment variable that holds the address"
    )
    url_file: Annotated[str, AfterValidator(_file)] | None = Field(
        None, min_length=1, description="the file whose first line is the address"
    )
    url: Annotated[SecretStr, AfterValidator(_address)] | None = Field(
        None, description="the address itself: discord://..., slack://..., mailto://..., https://discord.com/api/..."
    )
    connection: Name | None = Field(None, description="the Airflow connection that holds it; sent from Airflow alone")
    events: tuple[EventName, ...] = Field(
        (Event.PROMOTED, Event.HELD, Event.ROLLED_BACK, Event.DRIFT, Event.FAILURE, Event.RECOVERY),
        min_length=1,
        description="of training, promoted, refreshed (a fresh fit of the champion's own candidate), kept, held, "
        "rolled_back, drift, failure, recovery",
    )
    quiet_hours: QuietHours | None = Field(None, description="when nothing is sent; absent: never")
    template: Annotated[dict[EventName, Annotated[str, AfterValidator(_template)]], BeforeValidator(_templates)] = (
        Field(default_factory=dict, description="the text by event, with names in braces, as {pipeline} or {time}")
    )
    picture: bool = Field(True, description="the cycle's picture goes with it, where the service takes one")
    repeat_after: Step = Field(
        timedelta(days=1), description="a failure, drift or hold that says the same is not sent again before that"
    )
    give_up_after: Step = Field(
        timedelta(days=1), description="what was tried and did not get through for so long has failed"
    )
    timeout: Positive = Field(10, le=300, description="seconds that an answer is waited for")
    uncertain: Literal["again", "leave"] = Field(
        "again",
        description="a message of which nobody knows whether it arrived: again sends it with the same number, and says "
        "so; leave does not",
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        given = [key for key in ("url", "url_env", "url_file", "connection") if getattr(self, key) is not None]
        if len(given) != 1:
            said = " and ".join(given) if given else "no address"
            raise ValueError(f"{self.name} has {said}; give exactly one of url_env, url_file, url, connection")
        return self

    @property
    def withheld(self) -> bool:
        """Whether this is the ledger's copy of a target, whose address is in the pipeline's file alone."""
        return self.url is not None and set(self.url.get_secret_value()) == {"*"}
