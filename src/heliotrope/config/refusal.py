"""What pydantic found wrong, as the place, the value and the remedy."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import ValidationError

from heliotrope.config.pipeline import Pipeline
from heliotrope.config.setting import Settings
from heliotrope.errors import nearest, shown

__all__ = ["explain", "shortened"]

_SHOWN = 20
"""Lines of what is wrong: more of them have one cause."""


def explain(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """The place of everything that is wrong with a pipeline, and a line about it; unknown keys first."""
    every = error.errors(include_url=False)
    counted = every[: 10 * _SHOWN]
    # What is wrong inside a place explains what is wrong with the place, and an unknown key the missing one.
    found = [one for one in counted if not any(_inside(other, one) for other in counted)]
    found.sort(key=lambda one: one["type"] != "extra_forbidden")
    said = [(one["loc"], shortened(_explain(one))) for one in found[:_SHOWN]]
    more = len(every) - len(counted) + len(found) - len(said)
    return [*said, ((), f"{more} more of this kind")] if more else said


def shortened(text: str, length: int = 400) -> str:
    """The text without its middle where it is long: what was wrong stands in front, the remedy at the end.

    >>> len(shortened("x" * 5000))
    400
    """
    return text if len(text) <= length else f"{text[: length // 2 - 2]}...{text[1 - length // 2 :]}"


def _inside(error: Any, place: Any) -> bool:
    return len(error["loc"]) > len(place["loc"]) and error["loc"][: len(place["loc"])] == place["loc"]


def _explain(error: Any) -> str:
    place = [part for part in error["loc"] if part != "[key]"]
    where = ".".join(shortened(str(part), 80) for part in place) or "pipeline"
    if error["type"] == "extra_forbidden":
        if place[0] == "notify" and not re.fullmatch(r"[\w-]{1,40}", str(place[-1])):
            where = ".".join(map(str, place[:-1]))  # an address that was put where a key belongs
        return f"{where}: unknown key; {nearest(str(place[-1]), _known_keys(place[:-1]))}"
    if error["type"] == "missing":
        return f"{where}: missing; every pipeline needs it"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        kinds = [kind.strip().strip("'") for kind in context["expected_tags"].split(",")]
        return f"{where}.kind: {context['tag']!r} is no kind; {nearest(str(context['tag']), kinds)}"
    if error["type"] == "union_tag_not_found":
        return f"{where}.kind: missing; say which kind it is"
    message = error["msg"].removeprefix("Value error, ")
    if place[:1] == ["notify"]:
        message = re.sub(r"\S+://\S+", "what stands there", message)
    if error["type"] == "value_error":
        return f"{where}: {message}"
    if place[:1] == ["notify"]:
        return f"{where}: {message[0].lower()}{message[1:]}; what stands there is not shown, as it may be a secret"
    return f"{where}: {message[0].lower()}{message[1:]}, not {shown(error['input'])}"


def _known_keys(place: list[Any]) -> list[str]:
    """The keys a model takes at ``place``, following field names, list positions and kinds."""
    models: list[Any] = [Pipeline]
    for part in place:
        following: list[Any] = []
        for model in models:
            if isinstance(part, int):
                following.append(model)
            elif part in model.model_fields:
                following.extend(_models_in(model.model_fields[part].annotation))
            elif model.model_fields.get("kind") and part in get_args(model.model_fields["kind"].annotation):
                following.append(model)
        models = following or models
    return sorted({key for model in models for key in model.model_fields})


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
