"""Addresses inside the app, from wherever it is mounted."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

from heliotrope.interval import format_time

__all__ = ["Links", "is_inside"]


class Links:
    """Addresses under ``root``, the path the app is mounted at (empty: at the root).

    >>> from datetime import UTC
    >>> links = Links("/apps/heliotrope")
    >>> links("pipelines", "clicks", "cycles", datetime(2026, 11, 24, 5, tzinfo=UTC), segment="a b", before=None)
    '/apps/heliotrope/pipelines/clicks/cycles/2026-11-24T05:00Z?segment=a+b'
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    def __call__(self, *parts: object, **query: object) -> str:
        """The address of a page; what of the query is None or empty is left out."""
        path = "/".join(quote(_text(part), safe=":@-._~") for part in parts)
        asked = urlencode({name: _text(one) for name, one in query.items() if one not in (None, "")})
        return f"{self.root}/{path}{'?' if asked else ''}{asked}"


def _text(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


def is_inside(address: str, root: str) -> bool:
    """Whether an address that came with a request leads to a page of this app and nowhere else.

    >>> is_inside("/pipelines", ""), is_inside("//evil.example", ""), is_inside("/other", "/apps/heliotrope")
    (True, False, False)
    """
    within = f"{root.rstrip('/')}/"
    plain = address.isprintable() and "\\" not in address
    return plain and address.startswith(within) and not address.startswith("//")
