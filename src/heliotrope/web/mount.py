"""Where the app stands: what may frame it, by which names it answers, and who else has a say in that."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Mount"]


@dataclass(frozen=True, kw_only=True)
class Mount:
    """How the app stands in its surroundings; as it is by default, alone on this machine.

    ``hosts`` are the names by which it may be asked for, besides ``localhost`` and addresses in numbers; None: whoever
    has mounted it has looked at that. ``framed_by`` are the sources that may show it in a frame, as
    ``frame-ancestors`` of a content security policy has them. ``bare``: without a heading of its own, for such a frame.
    """

    hosts: tuple[str, ...] | None = ()
    framed_by: tuple[str, ...] = ()
    bare: bool = False

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this app. Another name is that of a page which had its own name point here.

        >>> Mount().answers_to("localhost:8000"), Mount().answers_to("[::1]:8000"), Mount().answers_to("evil.example")
        (True, True, False)
        """
        if self.hosts is None:
            return True
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return name == "localhost" or name in {one.lower() for one in self.hosts} or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
