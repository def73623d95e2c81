"""The YAML that ``init`` writes: a pipeline with the reason of every guess beside it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from heliotrope.interval import format_step, format_time
from heliotrope.profile.column import as_feature

if TYPE_CHECKING:
    from heliotrope.profile import ColumnProfile, Profile

__all__ = ["draft", "name_from", "table_from"]

_LINEAR: dict[str, tuple[str, str, dict[str, Any]]] = {
    "classification": ("logistic", "sklearn.linear_model.LogisticRegression", {"max_iter": 1000}),
    "regression": ("ridge", "sklearn.linear_model.Ridge", {}),
}
_BLEND = {
    "classification": "heliotrope.candidates.BlendClassifier",
    "regression": "heliotrope.candidates.BlendRegressor",
}
_COMMON = 0.8  # of the rows in one class: from there on accuracy says little
_MOST_CLASSES = 20  # that are listed
_FIT = 300  # rows that the shorter window should hold
_MOST_FIT = 200_000  # rows that the longer one need not exceed
_MIN_ROWS = 30  # what validation asks for unless told otherwise


def draft(profile: Profile, name: str, file: str | None = None) -> str:
    """The pipeline as YAML with comments; ``heliotrope validate`` accepts it. ``file`` is what it will be called."""
    return "\n".join(_lines(profile, name, file)) + "\n"


def name_from(table: str) -> str:
    """A pipeline's name made of a table's.

    >>> name_from('public."my events"'), name_from('"사건"')
    ('my-events', 'pipeline')
    """
    last = re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', table)[-1]
    return re.sub(r"[^A-Za-z0-9_.]+", "-", last).strip("-_.")[:63] or "pipeline"


def table_from(path: PurePath) -> str:
    """A table's name made of a file's.

    >>> table_from(PurePath("data/My flights.2013.csv")), table_from(PurePath("사건.parquet"))
    ('my_flights_2013', '사건')
    """
    name = re.sub(r"\W+", "_", path.stem).strip("_").lower() or "rows"
    while len(name.encode()) > 63:  # what PostgreSQL takes
        name = name[:-1]
    return name


def _lines(profile: Profile, name: str, file: str | None) -> Iterator[str]:
    yield from _head(profile, file or f"{name}.yaml")
    yield f"name: {_scalar(name)}"
    yield ""
    yield "source:"
    yield f"  table: {_scalar(profile.table)}"
    if profile.other_times:
        others = ", ".join(_scalar(one) for one in profile.other_times)
        yield f"  # The time is a guess: it could be {others} too. `heliotrope init --time` names another."
    yield f"  time: {_scalar(profile.time.name)}"
    if profile.time.type != "timestamptz":
        yield f"  time_zone: UTC  # the column is a {profile.time.type} without a zone: say which it is in"
    yield ""
    yield "# Time is cut into intervals; the rows of each are predicted first, then trained on. Why this length:"
    yield f"# {profile.step}."
    yield f"interval: {format_step(profile.step.length)}"
    yield ""
    yield from _features(profile)
    yield ""
    yield from _target(profile)
    yield ""
    yield from _candidates(profile)
    yield ""
    yield "# When to train: here after every interval; {kind: drift} would wait until one drifts."
    yield "trigger: {kind: schedule, every: 1}"
    yield from _validation(profile)
    if profile.path is not None:
        yield ""
        yield "# What `heliotrope load` writes into the table. Remove it when something else fills the table."
        yield f"dataset: {{kind: file, path: {_scalar(profile.path)}}}"


def _head(profile: Profile, file: str) -> Iterator[str]:
    span = f"{format_time(profile.first)} to {format_time(profile.last)}"
    yield f"# Written by `heliotrope init` from {profile.rows:,} rows, {span}. Read it, then:"
    verbs = ("load", "validate", "replay") if profile.path is not None else ("validate", "replay")
    for verb in verbs:
        yield f"#   heliotrope {verb} {_comment(shlex.quote(file))}"


def _features(profile: Profile) -> Iterator[str]:
    yield "# Only what is known before the target is: that, no look at the rows can tell."
    yield "features:"
    for feature in profile.features:
        found = f"{feature.type}, {_counted(feature)}{_hint(profile, feature)}"
        yield f"  {_scalar(feature.name)}: {as_feature(feature)}  # {found}"
    if profile.left_out:
        yield "# Left out:"
        for column, why in profile.left_out.items():
            yield f"#   {_scalar(column)}: {' '.join(why.split())}"


def _hint(profile: Profile, feature: ColumnProfile) -> str:
    """What else its values say."""
    if feature.is_code:
        return ", named like an id"
    if feature.nulls and feature.nulls == profile.target.nulls:
        return ", as many as the target: known only with it?"
    return ""


def _target(profile: Profile) -> Iterator[str]:
    guess = "  # a guess, by its name and values; --target names another" if profile.target_guessed else ""
    yield f"target: {_scalar(profile.target.name)}{guess}"
    yield f"task: {profile.task}  # {profile.target.type}, {_counted(profile.target)}"
    if not profile.classes:
        yield "metric: mae  # the mean absolute error; or rmse, where large errors weigh more"
        return
    if len(profile.classes) <= _MOST_CLASSES:
        known = ", ".join(_scalar(one) for one in sorted(profile.classes))
        yield f"classes: [{known}]  # an interval with another one is held"
    common, share = _commonest(profile)
    if _metric(profile) == "log_loss":
        yield f"metric: log_loss  # {share:.1%} are {_scalar(common)}: accuracy would reward saying only that"
    else:
        yield f"metric: accuracy  # {share:.0%} are {_scalar(common)}, the most; or log_loss, for probabilities"


def _metric(profile: Profile) -> str:
    """What suits the target: the mean absolute error, accuracy, or, where nearly all are of one class, the log loss."""
    if not profile.classes:
        return "mae"
    return "log_loss" if _commonest(profile)[1] >= _COMMON else "accuracy"


def _commonest(profile: Profile) -> tuple[str, float]:
    """The class that most rows are of, and their share."""
    common, rows = next(iter(profile.classes.items()))
    return common, rows / sum(profile.classes.values())


def _candidates(profile: Profile) -> Iterator[str]:
    short, long = _windows(profile)
    linear, estimator, params = _LINEAR[profile.task]
    yield "# What competes: an estimator and the intervals it is trained on. The first one serves until another wins."
    yield "candidates:"
    yield f"  # A linear model of the last {short}: simple, and quick to forget. tabular: nulls filled, numbers scaled."
    yield from _candidate(linear, estimator, params, short, tabular=True)
    yield f"  # Experts of several kinds, each on a part of the last {long}, weighed by what they predicted lately."
    params = {"loss": "log"} if _metric(profile) == "log_loss" else {}
    yield from _candidate("blend", _BLEND[profile.task], params, long, tabular=_has_nulls(profile))


def _candidate(
    name: str, estimator: str, params: dict[str, Any], intervals: int, *, tabular: bool = False
) -> Iterator[str]:
    yield f"  - name: {name}"
    yield f"    estimator: {estimator}"
    if params:
        yield f"    params: {{{', '.join(f'{key}: {value}' for key, value in params.items())}}}"
    yield f"    window: {{kind: sliding, intervals: {intervals}}}"
    if tabular:
        yield "    encode: tabular"


def _windows(profile: Profile) -> tuple[int, int]:
    """The intervals of a short and of a long window: usual ones, within the history there is and the rows that help."""
    step = profile.step
    short, long = (
        (3, 80) if step.length < timedelta(days=1) else (7, 80) if step.length < timedelta(days=7) else (4, 52)
    )
    most = max(1, step.intervals // 2)
    short = min(most, max(short, -(-_FIT // step.rows)))
    return short, max(short, min(most, long, max(1, _MOST_FIT // step.rows)))


def _validation(profile: Profile) -> Iterator[str]:
    lines = []
    if _has_nulls(profile):
        lines.append("on_null: allow  # some features have nulls, which every candidate here takes; else: drop")
    if profile.step.rows < 2 * _MIN_ROWS:
        least = max(2, profile.step.rows // 4)
        lines.append(
            f"min_rows: {least}  # a typical interval has {profile.step.rows}; one with fewer than this is held"
        )
    if lines:
        yield "validation:"
        yield from (f"  {line}" for line in lines)


def _counted(column: ColumnProfile) -> str:
    nulls = f", {column.nulls} null" if column.nulls else ""
    return f"{column.distinct} value{'s' if column.distinct != 1 else ''}{nulls}"


def _has_nulls(profile: Profile) -> bool:
    return any(feature.nulls for feature in profile.features)


def _comment(text: str) -> str:
    """The text as it may stand in a comment, on one line."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _scalar(text: str) -> str:
    """The text as YAML has it: quoted where it could be read as anything else, also in a comment."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in quoted)


_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
