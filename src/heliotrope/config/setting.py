"""What every setting is made of: a model that refuses what it does not know, and the values that are read with care."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from heliotrope.errors import ConfigError
from heliotrope.interval import format_step, parse_step, parse_time

__all__ = ["Column", "ImportPath", "Name", "Positive", "Settings", "Share", "Step", "Time", "given_twice"]


class Settings(BaseModel):
    """Settings that belong together: frozen, of the very types declared, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _step(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a length of time; write 15m, 1h, 1d or 1w")
    try:
        return parse_step(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _time(value: object) -> datetime:
    try:
        return parse_time(value.isoformat() if isinstance(value, (datetime, date)) else str(value))
    except Exception as error:
        raise ValueError(str(error)) from None


Step = Annotated[timedelta, BeforeValidator(_step), PlainSerializer(format_step, return_type=str)]
Time = Annotated[datetime, BeforeValidator(_time)]


def _import_path(path: str) -> str:
    parts = path.replace(":", ".").split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ValueError(f"{path!r} is not an import path; write it as package.module.Name")
    return path


ImportPath = Annotated[str, AfterValidator(_import_path)]


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        raise ValueError(f"{name!r} is not a name; begin with a letter or digit, then at most 62 of those or . _ -")
    return name


Name = Annotated[str, AfterValidator(_name)]
Column = Annotated[str, Field(min_length=1, max_length=63)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


def given_twice(names: Iterable[str]) -> str | None:
    """The first name, by the alphabet, that is there more than once.

    >>> given_twice(["b", "a", "b"]), given_twice(["a", "b"])
    ('b', None)
    """
    return min((name for name, count in Counter(names).items() if count > 1), default=None)
