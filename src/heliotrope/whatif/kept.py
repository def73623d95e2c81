"""What a whatif came to, kept in the home folder until the next one of the same pipeline: for the pages to show."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from heliotrope.errors import ConfigError
from heliotrope.interval import format_time

__all__ = ["keep", "kept"]

_LARGEST = 64 * 2**20


def keep(folder: Path, document: Mapping[str, Any], *, at: datetime) -> Path:
    """Write the document of ``heliotrope whatif --json`` under its pipeline's name, without each interval's scores.

    Raises OSError where it cannot be written.
    """
    place = _place(folder, str(document["pipeline"]))
    place.parent.mkdir(parents=True, exist_ok=True)
    policies = [{key: one[key] for key in one if key != "scores"} for one in document["policies"]]
    said = {**document, "policies": policies, "written_at": at, "files": []}
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(_plain(said), file, ensure_ascii=False, allow_nan=False)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return place


def kept(folder: Path, pipeline: str) -> Mapping[str, Any] | None:
    """The latest document of a pipeline; None where there is none. Raises ConfigError for a file that is none."""
    place = _place(folder, pipeline)
    try:
        if place.stat().st_size > _LARGEST:
            raise ConfigError(f"{place.name} is larger than any result of whatif", remedy=f"delete {place}")
        found = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = None
    lists = ("policies", "hindsight")
    if (
        not isinstance(found, dict)
        or found.get("pipeline") != pipeline
        or not all(isinstance(found.get(one), list) for one in lists)
    ):
        raise ConfigError(
            f"{place.name} in the folder whatif of the home folder cannot be read",
            remedy="run `heliotrope whatif` again, which writes it anew",
        )
    return found


def _place(folder: Path, pipeline: str) -> Path:
    return folder / "whatif" / f"{pipeline}.json"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
