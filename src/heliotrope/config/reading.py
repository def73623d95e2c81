"""A pipeline read: from a mapping, or from a YAML file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from heliotrope.config.pipeline import Pipeline
from heliotrope.config.refusal import explain
from heliotrope.errors import ConfigError
from heliotrope.interval import format_step

__all__ = ["load", "parse"]


def parse(data: Mapping[str, Any], *, where: str = "pipeline") -> Pipeline:
    """A pipeline from a mapping as YAML gives it.

    Raises ConfigError that names ``where``, the place, the value and the remedy of everything that is wrong.

    >>> parse({"nam": "x"}, where="x.yaml")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    heliotrope.errors.ConfigError: x.yaml: nam: unknown key; did you mean 'name'?
    ...
    """
    try:
        # By way of JSON, where strict still takes a list for a tuple, but neither "3" nor true for 3.
        return Pipeline.model_validate_json(json.dumps(dict(data), default=_as_json))
    except ValidationError as error:
        raise ConfigError("\n".join(f"{where}: {said}" for said in explain(error))) from None


def load(path: str | Path) -> Pipeline:
    """A pipeline from a YAML file. Raises ConfigError when it cannot be read or is wrong."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", remedy="name a pipeline's YAML file") from None
    try:
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - derives from SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{path}: holds no mapping of settings", remedy="begin with `name: ...`")
    return parse(data, where=str(path))


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = getattr(key, "value", None)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} is given twice", key.start_mark)
            seen.add(name if isinstance(name, str) else id(key))
        return super().construct_mapping(node, deep)


def _as_json(value: object) -> object:
    if isinstance(value, timedelta):
        return format_step(value)
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)
