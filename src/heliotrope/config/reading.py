"""A pipeline read: from a mapping, or from a YAML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from heliotrope.config.document import read
from heliotrope.config.pipeline import Pipeline
from heliotrope.config.plain import UnfitError, plain
from heliotrope.config.refusal import explain, shortened
from heliotrope.errors import ConfigError

__all__ = ["load", "parse"]


def parse(data: Mapping[str, Any], *, where: str = "pipeline") -> Pipeline:
    """A pipeline from a mapping as YAML gives it.

    Raises ConfigError that names ``where``, the place, the value and the remedy of everything that is wrong.

    >>> parse({"nam": "x"}, where="x.yaml")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    heliotrope.errors.ConfigError: x.yaml: nam: unknown key; did you mean 'name'?
    ...
    """
    return _parse(data, lambda _: where)


def load(path: str | Path) -> Pipeline:
    """A pipeline from a YAML file. Raises ConfigError when it cannot be read or is wrong."""
    document = read(Path(path))
    return _parse(document.data, document.where)


def _parse(data: Mapping[str, Any], where: Callable[[Sequence[str | int]], str]) -> Pipeline:
    try:
        # By way of JSON, where strict still takes a list for a tuple, but neither "3" nor true for 3.
        return Pipeline.model_validate_json(json.dumps(plain(data)))
    except UnfitError as error:
        place = ".".join(map(str, error.place))
        said = "a text that cannot be kept" if error.place[:1] == ("notify",) else shortened(str(error))
        raise ConfigError(f"{where(error.place)}: {place}: {said}") from None
    except ValidationError as error:
        raise ConfigError("\n".join(f"{where(place)}: {said}" for place, said in explain(error))) from None
