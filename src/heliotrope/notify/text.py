"""What a message says: the target's template for the event, else the text here; and its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliotrope.config.notify import FIELDS
from heliotrope.records import Event

__all__ = ["LONGEST", "render", "title"]

LONGEST = 1800
"""Characters: Discord takes 2,000."""
_TEXTS: Mapping[Event, str] = {
    Event.TRAINING: ":computer: [{time}]: TRAINING START! {pipeline}: {reasons}",
    Event.PROMOTED: "[{time}] {pipeline}: {candidate} serves from {since}, before it {previous} ({actor}): {reasons}",
    Event.REFRESHED: "[{time}] {pipeline}: {candidate}, fitted again, serves from {since}: {reasons}",
    Event.KEPT: "[{time}] {pipeline}: {champion} goes on serving, {metric} {score}: {reasons}",
    Event.HELD: "[{time}] {pipeline}: the batch is held, nothing of it is used: {reasons}",
    Event.ROLLED_BACK: "[{time}] {pipeline}: back to {candidate} from {since}, before it {previous} ({actor}): "
    "{reasons}",
    Event.DRIFT: "[{time}] {pipeline}: drift in {drifted}; {champion} has {metric} {score}",
    Event.FAILURE: "[{time}] {pipeline} failed: {error} ({remedy})",
    Event.RECOVERY: "[{time}] {pipeline} runs again: {action}",
}

_FIRST = "[{time}] {pipeline}: {candidate} is the first champion and serves from {since} ({actor}): {reasons}"


def render(
    event: Event,
    facts: Mapping[str, Any],
    template: Mapping[Event, str],
    *,
    number: int,
    again: bool = False,
    repeats: int = 0,
) -> str:
    """The text, with the message's number, by which a doubled one is known.

    >>> render(Event.TRAINING, {"time": "2026-11-24T05:00Z"}, {Event.TRAINING: "[{time}] {pipeline}"}, number=17)
    '[2026-11-24T05:00Z] -\\n#17'
    """
    own = _FIRST if _is_first(event, facts) else _TEXTS[event]
    text = template.get(event, own).format_map(_Shown(facts))
    said = f"#{number}"
    if again:
        said += ", sent again: nobody knows whether it arrived"
    if repeats:
        said += f", said once for {repeats + 1}"
    room = LONGEST - len(said) - 1
    return f"{text if len(text) <= room else text[: room - 4] + ' ...'}\n{said}"


def title(event: Event, facts: Mapping[str, Any]) -> str:
    """What a service that has titles shows above the text.

    >>> title(Event.ROLLED_BACK, {"pipeline": "clicks"})
    'clicks: rolled back'
    >>> title(Event.PROMOTED, {"pipeline": "clicks", "candidate": "tree", "previous": None})
    'clicks: first champion'
    """
    said = "first champion" if _is_first(event, facts) else event.value.replace("_", " ")
    return f"{facts.get('pipeline', 'heliotrope')}: {said}"


def _is_first(event: Event, facts: Mapping[str, Any]) -> bool:
    """Whether it tells of a champion that none was before."""
    return event is Event.PROMOTED and facts.get("candidate") is not None and facts.get("previous") is None


class _Shown(dict[str, str]):
    """Facts as texts; a dash for what there is not."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__((name, _text(facts.get(name), name)) for name in (*FIELDS, "since"))


def _text(value: Any, name: str) -> str:
    if value in (None, "", []):
        return "-"
    if name == "interval":
        return f"[{value[0]}, {value[1]})"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return ("; " if name == "reasons" else ", ").join("all together" if one == "*" else str(one) for one in value)
    return str(value)
