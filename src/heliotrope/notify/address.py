"""Where a target is: its address, from where it says that it stands. It is shown nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from heliotrope.config import Target
from heliotrope.errors import MessageError

__all__ = ["Resolver", "address"]

Resolver = Callable[[Target], str]
"""Gives a target's address, or raises MessageError. heliotrope.airflow has one that knows connections."""


def address(target: Target, *, environment: Mapping[str, str] | None = None) -> str:
    """The address that Apprise takes. Raises MessageError where it cannot be had here; never with the address.

    >>> address(Target(name="team", url_env="TEAM"), environment={})
    Traceback (most recent call last):
    heliotrope.errors.MessageError: team: the environment has no TEAM (let it hold the address)
    """
    environment = os.environ if environment is None else environment
    if target.connection is not None:
        raise MessageError(
            f"{target.name}: its address is an Airflow connection, which is known inside Airflow alone",
            remedy="let Airflow send it, or name the address by url_env or url_file",
        )
    if target.withheld:
        raise MessageError(
            f"{target.name}: its address stands in the pipeline's file alone, not on record",
            remedy="name the file in place of the pipeline, or give the address by url_env or url_file",
        )
    if target.url is not None:
        return target.url.get_secret_value()
    if target.url_env is not None:
        found = environment.get(target.url_env, "").strip()
        if not found:
            raise MessageError(
                f"{target.name}: the environment has no {target.url_env}", remedy="let it hold the address"
            )
        return found
    return _first_line(target.name, Path(target.url_file or ""))


def _first_line(name: str, path: Path) -> str:
    remedy = "let the file's first line be the address"
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            found = file.readline(10_000).strip()
    except UnicodeDecodeError:
        raise MessageError(f"{name}: {path} is not text in UTF-8", remedy=remedy) from None
    except (OSError, RuntimeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise MessageError(f"{name}: {path} cannot be read: {said}", remedy=remedy) from None
    if not found:
        raise MessageError(f"{name}: the first line of {path} is empty", remedy=remedy)
    return found
