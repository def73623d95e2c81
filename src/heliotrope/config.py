"""A pipeline, declared: what a YAML file or a Python program says, checked whole before anything runs.

Where a choice has kinds, ``kind`` names the one meant. An unknown key is refused with the nearest known name.

>>> pipeline = parse({
...     "name": "clicks", "source": {"table": "events", "time": "at"}, "interval": "1h",
...     "features": ["x", "y"], "target": "class",
...     "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
... })
>>> pipeline.candidates[0].window.kind
'sliding'
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, Union, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from heliotrope.errors import ConfigError, nearest
from heliotrope.interval import format_step, parse_step, parse_time

__all__ = [
    "All",
    "Amount",
    "AnyOf",
    "Candidate",
    "ChiSquare",
    "Decayed",
    "Detector",
    "DomainClassifier",
    "Drift",
    "DriftTrigger",
    "Expanding",
    "FileDataset",
    "FunctionDataset",
    "Gate",
    "KolmogorovSmirnov",
    "Performance",
    "Pipeline",
    "PopulationStability",
    "Report",
    "Schedule",
    "Sliding",
    "Source",
    "StreamDataset",
    "Trigger",
    "Validation",
    "Window",
    "load",
    "parse",
]


class _Model(BaseModel):
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


class Source(_Model):
    """Where the rows are: any table or view with a time column. Its schema is never altered."""

    table: str = Field(min_length=1, description="the table or view, as name or schema.name; quoted as given")
    time: Column = Field(description="the column that places a row in time")
    time_zone: str = Field("UTC", description="the zone of a time column that has none (timestamp, date)")


FeatureKind = Literal["auto", "numeric", "categorical"]


def _feature_kinds(value: Any) -> Any:
    """A list of columns is a mapping that leaves every kind to be found out."""
    if not isinstance(value, (list, tuple)):
        return value
    if not all(isinstance(name, str) for name in value):
        raise ValueError("must be a list of column names, or a mapping of column to kind")
    twice = sorted({name for name in value if value.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice; remove one")
    return dict.fromkeys(value, "auto")


# --- windows: what a candidate is trained on ---------------------------------------------------------------


class Sliding(_Model):
    """The last ``intervals`` intervals."""

    kind: Literal["sliding"] = "sliding"
    intervals: Positive = Field(3, description="how many intervals back from the end of the window")


class Expanding(_Model):
    """Everything since ``start`` (absent: the first row), or at most the last ``max_intervals``."""

    kind: Literal["expanding"] = "expanding"
    start: Time | None = Field(None, description="nothing before this is used; absent: from the first row on")
    max_intervals: Positive = Field(100_000, description="how far back the window may reach")


class Decayed(_Model):
    """The last ``intervals`` intervals, a row weighing half as much with every ``half_life`` intervals of age."""

    kind: Literal["decayed"] = "decayed"
    half_life: float = Field(3.0, gt=0.0, description="in how many intervals a row comes to weigh half as much")
    intervals: Positive = Field(24, description="older rows are left out")


Window = Annotated[Sliding | Expanding | Decayed, Field(discriminator="kind")]


class Candidate(_Model):
    """What competes: an estimator by import path, its parameters, and the window it is trained on."""

    name: Name = Field(description="how it is called in tables, reasons and on the command line")
    estimator: ImportPath = Field(
        description="a class with scikit-learn's fit and predict, or a function that returns one"
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="its arguments; part__name reaches into the parts of a scikit-learn pipeline"
    )
    window: Window = Field(Sliding(), description="the intervals it is trained on")
    encode: Literal["auto", "tabular", "none"] = Field(
        "auto", description="tabular: through skrub.tabular_pipeline; auto: that, where a feature is not a number"
    )


# --- drift: what is measured -------------------------------------------------------------------------------


class KolmogorovSmirnov(_Model):
    """Numeric features: distance of the empirical distributions."""

    kind: Literal["kolmogorov_smirnov"] = "kolmogorov_smirnov"
    alpha: Share = Field(0.01, description="drift where the corrected p-value is below this")


class PopulationStability(_Model):
    """All features: population stability index over quantile bins or categories."""

    kind: Literal["population_stability"] = "population_stability"
    bins: int = Field(10, ge=2, le=100, description="of numeric features, by quantiles of the reference")
    threshold: float = Field(
        0.2, gt=0.0, description="drift where the index is above this and above what chance reaches in few rows"
    )


class ChiSquare(_Model):
    """Categorical features, and the target of a classification: chi-square test of homogeneity."""

    kind: Literal["chi_square"] = "chi_square"
    alpha: Share = Field(0.01, description="drift where the corrected p-value is below this")


class DomainClassifier(_Model):
    """All features together: can a classifier tell the batch from the reference? Cross-validated ROC AUC."""

    kind: Literal["domain_classifier"] = "domain_classifier"
    threshold: float = Field(0.6, gt=0.5, lt=1.0, description="the area under the curve that counts as drift")
    alpha: Share = Field(0.01, description="the corrected p-value must be below this too")
    max_rows: Positive = Field(2000, description="rows of either side; of more, so many drawn at random")


Detector = Annotated[
    KolmogorovSmirnov | PopulationStability | ChiSquare | DomainClassifier, Field(discriminator="kind")
]


class Drift(_Model):
    """Which detectors compare a batch with which reference."""

    detectors: tuple[Detector, ...] = Field(
        (KolmogorovSmirnov(), PopulationStability(), ChiSquare(), DomainClassifier()), description="what measures"
    )
    reference: Literal["training", "previous"] = Field(
        "training", description="the champion's training window, or the intervals just before the batch"
    )
    intervals: Positive = Field(3, description="how many intervals before the batch, for reference: previous")
    max_rows: Positive = Field(20_000, description="the reference is sampled down to this, with the cycle's seed")
    correction: Literal["holm", "benjamini_hochberg", "none"] = Field(
        "holm", description="of the p-values of all detectors and features of an interval together"
    )


# --- triggers: when to train -------------------------------------------------------------------------------


class Schedule(_Model):
    """Train when ``every`` intervals have passed since the last training."""

    kind: Literal["schedule"] = "schedule"
    every: Positive = Field(1, description="in intervals")


class Amount(_Model):
    """Train when ``rows`` new rows have come since the last training."""

    kind: Literal["amount"] = "amount"
    rows: Positive = Field(description="rows that validation left")


class DriftTrigger(_Model):
    """Train when at least ``at_least`` detectors of the pipeline report drift."""

    kind: Literal["drift"] = "drift"
    at_least: Positive = Field(1, description="how many of them, whatever the number of features each one flags")


class Performance(_Model):
    """Train when the champion's metric was worse than ``baseline`` by ``margin`` in m of the last n intervals.

    The latest interval must be among them. ``baseline`` absent: its best interval since it was promoted.
    """

    kind: Literal["performance"] = "performance"
    margin: float = Field(0.02, ge=0.0, description="in the unit of the metric")
    baseline: float | None = Field(None, description="the score that is asked for; absent: the champion's best so far")
    m: Positive = Field(1, description="in how many intervals it must have been worse")
    n: Positive = Field(1, description="of how many of the latest")

    @model_validator(mode="after")
    def _m_of_n(self) -> Self:
        if self.m > self.n:
            raise ValueError(f"m = {self.m} of the last n = {self.n} can never hold; let m be at most n")
        return self


class AnyOf(_Model):
    """Train when any of them says so."""

    kind: Literal["any"] = "any"
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


class All(_Model):
    """Train when all of them say so."""

    kind: Literal["all"] = "all"
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


Trigger = Annotated[
    Union[Schedule, Amount, DriftTrigger, Performance, AnyOf, All],  # noqa: UP007 - refers to itself by name
    Field(discriminator="kind"),
]
AnyOf.model_rebuild()
All.model_rebuild()


# --- validation, gate, report ------------------------------------------------------------------------------


class Validation(_Model):
    """What each problem of a batch leads to. ``hold``: record it, use nothing; ``fail``: end with an error."""

    min_rows: Positive = Field(30, description="fewer usable rows than this are too few")
    on_empty: Literal["hold", "fail"] = Field("hold", description="the interval has no rows")
    on_too_few: Literal["hold", "fail", "allow"] = Field("hold", description="fewer than min_rows are left")
    on_schema: Literal["fail", "hold"] = Field(
        "fail", description="a column is missing or has a type that does not fit"
    )
    on_null: Literal["drop", "hold", "fail", "allow"] = Field("drop", description="a feature is null or NaN")
    on_non_finite: Literal["drop", "hold", "fail"] = Field("drop", description="a number is infinite")
    on_unlabelled: Literal["drop", "hold", "fail"] = Field("drop", description="the target is null")
    on_unseen_class: Literal["hold", "drop", "fail", "allow"] = Field(
        "hold", description="a class that is not in classes, or, without those, that the champion does not know"
    )
    max_dropped: float = Field(
        0.5, ge=0.0, le=1.0, description="hold when a larger share of the labelled rows is dropped"
    )


class Gate(_Model):
    """When a challenger may replace the champion: both scored on the same rows, unseen by either.

    Another candidate must be better: its mean gain at least ``min_gain`` and, by a one-sided paired test, above
    zero at level ``alpha``. A fresh fit of the champion's own candidate must merely not be worse: its mean gain not
    below ``-margin`` with the same test.
    """

    kind: Literal["holdout"] = "holdout"
    alpha: Share = Field(0.05, description="the level of the tests, for one interval")
    min_gain: float = Field(
        0.0, ge=0.0, description="a share of rows, or, of log loss and regressions, of the champion's mean loss"
    )
    margin: float = Field(0.02, ge=0.0, description="a share of the same")


class Report(_Model):
    """What is drawn."""

    best_possible: float | None = Field(None, description="the metric of an ideal model, where it is known")
    pictures: bool = Field(True, description="draw every cycle's decision regions or predictions")


# --- data sets: what `heliotrope load` writes into the source's table --------------------------------------


class StreamDataset(_Model):
    """A synthetic stream (see heliotrope.streams), by name and parameters."""

    kind: Literal["stream"] = "stream"
    stream: Name = Field("rotating_gaussians", description="its name in heliotrope.streams")
    params: dict[str, Any] = Field(
        default_factory=dict, description="the stream's own: rows, seed, and what else it has"
    )
    start: Time = Field(description="of the first interval, on the grid")
    intervals: Positive = Field(description="how many to write")


class FileDataset(_Model):
    """A CSV or Parquet file; without a time column, row i is at ``start + i * step``."""

    kind: Literal["file"] = "file"
    path: str | None = Field(None, description="absent: named on the command line")
    start: Time | None = Field(None, description="the time of the first row, for a file without a time column")
    step: Step | None = Field(None, description="from one row to the next, with start")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.start is None) != (self.step is None):
            raise ValueError("start and step belong together; give both, or a time column in the file")
        return self


class FunctionDataset(_Model):
    """A function that returns a pyarrow.Table, by import path."""

    kind: Literal["function"] = "function"
    call: ImportPath = Field(description="the function; a pandas or Polars frame will do as well")
    params: dict[str, Any] = Field(default_factory=dict, description="its arguments, by name")


Dataset = Annotated[StreamDataset | FileDataset | FunctionDataset, Field(discriminator="kind")]

CLASSIFICATION_METRICS = ("accuracy", "balanced_accuracy", "log_loss", "brier")
REGRESSION_METRICS = ("mae", "rmse")
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})


class Pipeline(_Model):
    """One declared problem: a table, a target, an interval, and what competes to predict it."""

    name: Name = Field(description="letters, digits, and . _ - within; its history is kept under this name")
    source: Source = Field(description="where the rows are")
    interval: Step = Field(description="what time is cut into: 15m, 1h, 1d, 1w; days begin at midnight UTC")
    features: Annotated[dict[Column, FeatureKind], BeforeValidator(_feature_kinds)] = Field(
        description="numeric, categorical, or auto: by the column's type; a list leaves all to auto"
    )
    target: Column = Field(description="the column to be predicted")
    task: Literal["classification", "regression"] = Field(
        "classification", description="classes are compared as text; a regression's target is a number"
    )
    metric: str = Field(
        "",
        description="what champions are judged by: accuracy (when absent), balanced_accuracy, log_loss or brier; "
        "of a regression mae (when absent) or rmse",
    )
    classes: tuple[str, ...] | None = Field(None, description="the classes there can be; absent: as they come")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, description="what competes; the first one serves until there is something to compare on"
    )
    trigger: Trigger = Field(Schedule(), description="when to train")
    drift: Drift = Field(Drift(), description="what is measured, against what")
    validation: Validation = Field(Validation(), description="what bad rows lead to")
    gate: Gate = Field(Gate(), description="what a challenger must show")
    report: Report = Field(Report(), description="what is drawn")
    registry: Literal["mlflow", "none"] = Field("mlflow", description="where promoted models are registered")
    dataset: Dataset | None = Field(
        None, description="what `heliotrope load` writes; absent: the table is filled by somebody else"
    )
    seed: int = Field(0, ge=0, description="of all that is random; the same rows and seed give the same models")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.features:
            raise ValueError("features is empty; name at least one column")
        for column in (self.target, self.source.time):
            if column in self.features:
                raise ValueError(f"{column!r} is the target or the time and cannot be a feature too; remove it")
        if self.target == self.source.time:
            raise ValueError(f"{self.target!r} cannot be both the time and the target")
        names = [candidate.name for candidate in self.candidates]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"candidate {twice[0]!r} is declared twice; rename one")
        metrics = CLASSIFICATION_METRICS if self.task == "classification" else REGRESSION_METRICS
        if not self.metric:
            object.__setattr__(self, "metric", metrics[0])
        if self.metric not in metrics:
            raise ValueError(f"metric {self.metric!r} is not one for {self.task}; {nearest(self.metric, metrics)}")
        if self.classes is not None and self.task == "regression":
            raise ValueError("classes belong to a classification; remove them, or set task: classification")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, in the order of a batch's table: time, features, target."""
        return (self.source.time, *self.features, self.target)

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value of the metric is the better one."""
        return self.metric in LOWER_IS_BETTER

    def fingerprint(self) -> str:
        """SHA-256 over everything that can change a result: all but what is drawn and where data came from."""
        said = self.model_dump(mode="json", exclude={"report", "registry", "dataset"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


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
        every = error.errors(include_url=False)
        # What is wrong inside a place explains what is wrong with the place, and an unknown key the missing one.
        found = [one for one in every if not any(_inside(other, one) for other in every)]
        found.sort(key=lambda one: one["type"] != "extra_forbidden")
        raise ConfigError("\n".join(f"{where}: {_explain(one)}" for one in found)) from None


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


def _inside(error: Any, place: Any) -> bool:
    return len(error["loc"]) > len(place["loc"]) and error["loc"][: len(place["loc"])] == place["loc"]


def _explain(error: Any) -> str:
    place = [part for part in error["loc"] if part != "[key]"]
    shown = ".".join(str(part) for part in place) or "pipeline"
    if error["type"] == "extra_forbidden":
        return f"{shown}: unknown key; {nearest(str(place[-1]), _known_keys(place[:-1]))}"
    if error["type"] == "missing":
        return f"{shown}: missing; every pipeline needs it"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        kinds = [kind.strip().strip("'") for kind in context["expected_tags"].split(",")]
        return f"{shown}.kind: {context['tag']!r} is no kind; {nearest(str(context['tag']), kinds)}"
    if error["type"] == "union_tag_not_found":
        return f"{shown}.kind: missing; say which kind it is"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return f"{shown}: {message}"
    return f"{shown}: {message[0].lower()}{message[1:]}, not {error['input']!r}"


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
    if isinstance(annotation, type) and issubclass(annotation, _Model):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
