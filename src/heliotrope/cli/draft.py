"""The YAML that ``init`` writes: a pipeline with the reason of every guess beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from heliotrope.interval import format_step, format_time

if TYPE_CHECKING:
    from heliotrope.profile import ColumnProfile, Profile

__all__ = ["draft", "name_from"]

_TEXTS = ("text", "varchar", "bpchar", "name", "enum")
_CANDIDATES: dict[str, tuple[tuple[str, str, dict[str, Any], int], ...]] = {
    "classification": (
        ("logistic", "sklearn.linear_model.LogisticRegression", {"max_iter": 1000}, 3),
        ("boosting", "sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 50}, 12),
    ),
    "regression": (
        ("ridge", "sklearn.linear_model.Ridge", {}, 3),
        ("boosting", "sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 50}, 12),
    ),
}
_FOLLOWERS = {
    "classification": "heliotrope.candidates.ExtrapolatedDiscriminant",
    "regression": "heliotrope.candidates.VaryingCoefficientRegressor",
}


def draft(profile: Profile, name: str) -> str:
    """The pipeline as YAML with comments; ``heliotrope validate`` accepts it."""
    return "\n".join(_lines(profile, name)) + "\n"


def name_from(table: str) -> str:
    """A pipeline's name made of a table's.

    >>> name_from('public."my events"'), name_from('"사건"')
    ('my-events', 'pipeline')
    """
    last = re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', table)[-1]
    return re.sub(r"[^A-Za-z0-9_.]+", "-", last).strip("-_.")[:63] or "pipeline"


def _lines(profile: Profile, name: str) -> Iterator[str]:
    span = f"{format_time(profile.first)} to {format_time(profile.last)}"
    yield f"# Written by `heliotrope init` from {profile.rows} rows, {span}. Check it, then:"
    yield f"#   heliotrope validate {name}.yaml"
    yield f"#   heliotrope replay {name}.yaml"
    yield f"name: {_scalar(name)}"
    yield "source:"
    yield f"  table: {_scalar(profile.table)}"
    yield f"  time: {_scalar(profile.time.name)}"
    if profile.time.type != "timestamptz":
        yield f"  time_zone: UTC  # the column is a {profile.time.type} without a zone: say which it is in"
    yield f"interval: {format_step(profile.interval)}  # about {profile.rows_an_interval:.0f} rows each"
    yield "features:"
    for feature in profile.features:
        kind = "categorical" if feature.type in _TEXTS else "numeric"
        yield f"  {_scalar(feature.name)}: {kind}  # {feature.type}, {_counted(feature)}"
    if profile.left_out:
        yield "# Left out of the features:"
        for column, why in profile.left_out.items():
            yield f"#   {_scalar(column)}: {' '.join(why.split())}"
    guess = "  # a guess, by its name and values; --target names another" if profile.target_guessed else ""
    yield f"target: {_scalar(profile.target.name)}{guess}"
    yield f"task: {profile.task}  # {profile.target.type}, {_counted(profile.target)}"
    yield "candidates:"
    yield from _candidates(profile)
    yield "trigger: {kind: schedule, every: 1}  # train in every interval"
    if _has_nulls(profile):
        yield "validation: {on_null: allow}  # some features have nulls, which every candidate here fills; else: drop"


def _candidates(profile: Profile) -> Iterator[str]:
    for name, estimator, params, intervals in _CANDIDATES[profile.task]:
        yield f"  - name: {name}"
        yield f"    estimator: {estimator}"
        if params:
            yield f"    params: {json.dumps(params)}"
        yield f"    window: {{kind: sliding, intervals: {intervals}}}"
        if _has_nulls(profile):
            yield "    encode: tabular"
    if not _has_nulls(profile) and not any(feature.type in _TEXTS for feature in profile.features):
        yield "  - name: trend  # its parameters move with time, on to the interval it will serve in"
        yield f"    estimator: {_FOLLOWERS[profile.task]}"
        yield f"    window: {{kind: sliding, intervals: {3 if profile.interval < timedelta(days=1) else 7}}}"


def _counted(column: ColumnProfile) -> str:
    nulls = f", {column.nulls} null" if column.nulls else ""
    return f"{column.distinct} value{'s' if column.distinct != 1 else ''}{nulls}"


def _has_nulls(profile: Profile) -> bool:
    return any(feature.nulls for feature in profile.features)


def _scalar(text: str) -> str:
    """The text as YAML has it: quoted where it could be read as anything else, also in a comment."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in quoted)


_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
