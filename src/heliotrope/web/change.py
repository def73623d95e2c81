"""Changing from a page who serves: the same succession as on the command line, in the name of the visitor."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from heliotrope.config.plain import UnfitError, plain
from heliotrope.context import Context
from heliotrope.errors import ConfigError, HeliotropeError
from heliotrope.records import Champion
from heliotrope.web.page import Subject
from heliotrope.web.site import Site

__all__ = ["ACTIONS", "LONGEST_REASON", "Action", "Change", "make", "tell"]

Action = Literal["promote", "rollback", "pin", "unpin"]
ACTIONS: tuple[Action, ...] = ("promote", "rollback", "pin", "unpin")

_PATIENCE = 8.0
"""Seconds that a page waits for a cycle that is under way; and for messages to be sent."""
LONGEST_REASON = 2000
"""Characters."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is to be changed, and why."""

    action: Action
    reason: str
    candidate: str = ""
    """Of ``promote``: who is to serve."""
    to: int | None = None
    """Of ``rollback``: the id of the champion that is to serve again; None: the one before."""
    pin: bool = False


def make(site: Site, subject: Subject, change: Change, actor: str) -> Champion:
    """Change it, and put it on record; the champion from now on.

    Raises ConfigError without a reason, LockedError while a cycle holds the pipeline, and what
    :mod:`heliotrope.succession` does.
    """
    from heliotrope import succession

    reason = change.reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        said = "there is no reason" if not reason else f"the reason has {len(reason)} characters"
        raise ConfigError(said, remedy="say why, in a few words; it is kept with the decision")
    try:
        plain(reason)
    except UnfitError as error:
        raise ConfigError(f"the reason: {error}") from None
    with _context(site, subject) as context:
        context.ledger.patience = _PATIENCE
        context.ledger.tells = bool(subject.pipeline.notify)
        if change.action == "promote":
            return succession.promote(context, change.candidate, reason=reason, actor=actor, pin=change.pin)
        if change.action == "rollback":
            return succession.roll_back(context, to=change.to, reason=reason, actor=actor, pin=change.pin)
        hold = succession.pin if change.action == "pin" else succession.unpin
        return hold(context, reason=reason, actor=actor)


def tell(site: Site, subject: Subject) -> None:
    """Send the messages of a change and register its champion; what fails is left for the next run, and logged."""
    from heliotrope import publish
    from heliotrope.notify import deliver, picture_of

    pipeline = subject.pipeline
    try:
        with _context(site, subject) as context:
            if pipeline.notify:
                deliver(
                    context.database,
                    pipeline,
                    context.ledger.ids[0],
                    subject.segment,
                    picture=picture_of(context, _noted),
                    patience=_PATIENCE,
                    notice=_noted,
                )
            if pipeline.registry != "none" and not subject.segment:
                publish.register(context)
    except HeliotropeError as error:
        _noted(error.message, error.remedy)
    except Exception:
        _log.exception("what was changed in %s is on record, and not all of it is told", pipeline.name)


def _context(site: Site, subject: Subject) -> Context:
    return Context(
        subject.pipeline,
        site.database,
        folder=site.folder,
        segment=subject.segment,
        clock=site.clock,
        notice=_noted,
    )


def _noted(text: str, remedy: str) -> None:
    _log.warning("%s%s", text, f" ({remedy})" if remedy else "")
