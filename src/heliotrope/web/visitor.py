"""Who asks, and what they may see and change."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

__all__ = ["Visitor", "anyone", "this_user"]


def anyone(_: str) -> bool:
    """Every pipeline."""
    return True


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One who asks: the name that stands in the record beside what they change, and which pipelines they may see.

    A pipeline that they may not read is, for them, not there.
    """

    name: str
    may_read: Callable[[str], bool] = anyone
    may_change: Callable[[str], bool] = anyone


def this_user() -> str:
    """The operating system's user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have a number and no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def visitor(request: Request) -> Visitor:
    """Stands in every route for what :func:`heliotrope.web.application` was given as ``authorise``."""
    raise NotImplementedError(f"{request.url.path}: the app was not made by heliotrope.web.application")
