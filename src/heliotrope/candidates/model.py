"""A model: what is fitted to a window, kept in a file, and asked for predictions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from heliotrope.candidates import matrix
from heliotrope.candidates.estimator import make, takes
from heliotrope.errors import EstimatorError, HeliotropeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.candidates.matrix import Kinds
    from heliotrope.config import Candidate, Pipeline

    Floats = NDArray[np.float64]

__all__ = ["Model"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Model:
    """A fitted candidate.

    ``classes`` are the labels it was fitted on, as ``str(label)``, sorted; empty for a regression. The estimator
    itself sees their places in it, 0, 1, ... A training set of one class needs no estimator: that class is then
    always predicted. ``encoder`` turns features into numbers before the estimator sees them; None where it takes
    them as they are.
    """

    candidate: str
    kinds: Kinds
    classes: tuple[str, ...]
    time: str | None
    """The time column, where the estimator takes the rows' times."""
    framed: bool
    """Whether features go in as a data frame; else as a matrix of numbers."""
    encoder: Any
    estimator: Any

    @classmethod
    def fit(
        cls,
        candidate: Candidate,
        table: pa.Table,
        *,
        pipeline: Pipeline,
        kinds: Kinds,
        weights: Floats | None,
        seed: int,
    ) -> Self:
        """Fit the candidate to the table's rows.

        Parameters are ``table`` with the pipeline's columns, ``kinds``, what each feature is, ``weights`` of the
        rows, shape (rows,), or None for equal ones, and ``seed``, for the estimator's ``random_state``.

        Numeric features go to the estimator as float64, nulls as NaN. With ``encode: tabular``, or ``auto`` and a
        feature that is not a number, all go through the transformers of ``skrub.tabular_pipeline`` (texts of many
        values through ``TextEncoder``), which also fill what is missing where the estimator wants that; with ``none``
        such features go to it as a data frame. An estimator whose ``fit`` has the parameter ``time`` is given every
        row's time, in seconds since the Unix epoch, in ``fit``, ``predict`` and ``predict_proba``; one whose ``fit``
        has ``interval``, the length of the pipeline's intervals in seconds. One whose ``fit``
        has no ``sample_weight`` is fitted to a sample of as many rows, drawn in proportion to the weights with the
        seed.

        Raises EstimatorError when the estimator cannot be made or refuses the rows, SchemaError when a column is
        missing or of another type than its kind.

        >>> from heliotrope.config import parse
        >>> pipeline = parse({
        ...     "name": "p", "source": {"table": "t", "time": "at"}, "interval": "1h", "features": ["x"],
        ...     "target": "class", "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
        ... })
        >>> table = pa.table({"x": [0.0, 1.0, 2.0, 3.0], "class": ["a", "a", "b", "b"]})
        >>> model = Model.fit(
        ...     pipeline.candidates[0], table, pipeline=pipeline, kinds={"x": "numeric"}, weights=None, seed=0
        ... )
        >>> model.predict(pa.table({"x": [0.5, 2.5]}))
        array(['a', 'b'], dtype=object)
        """
        estimator = make(candidate, seed=seed, task=pipeline.task)
        _check_weights(weights, table.num_rows, candidate)
        if weights is not None and not weights.all():
            table, weights = table.filter(pa.array(weights > 0.0)), weights[weights > 0.0]
        if weights is not None and not takes(estimator.fit, "sample_weight"):
            chosen = np.random.default_rng(seed).choice(len(weights), size=len(weights), p=weights / weights.sum())
            table, weights = table.take(np.sort(chosen)), None
        target: NDArray[Any]
        classes: tuple[str, ...] = ()
        if pipeline.task == "classification":
            target, classes = _codes(table.column(pipeline.target), candidate)
        else:
            target = _targets(table, pipeline.target, candidate)
        categorical = "categorical" in kinds.values()
        encoded = candidate.encode == "tabular" or (candidate.encode == "auto" and categorical)
        model = cls(
            candidate=candidate.name,
            kinds=dict(kinds),
            classes=classes,
            time=pipeline.source.time if takes(estimator.fit, "time") else None,
            framed=encoded or categorical,
            encoder=None,
            estimator=estimator,
        )
        if len(classes) == 1:
            return replace(model, estimator=None)
        interval = pipeline.interval.total_seconds() if takes(estimator.fit, "interval") else None
        return model._fitted(table, target, weights, encoded, seed, interval)

    def _fitted(
        self,
        table: pa.Table,
        target: NDArray[Any],
        weights: Floats | None,
        encoded: bool,
        seed: int,
        interval: float | None,
    ) -> Self:
        features, encoder, options = self._features(table), None, self._times(table)
        if interval is not None:
            options["interval"] = interval
        if weights is not None:
            options["sample_weight"] = weights
        class_weight = getattr(self.estimator, "class_weight", None)
        if self.classes and isinstance(class_weight, Mapping):
            self.estimator.set_params(class_weight=_by_place(class_weight, self.classes, self.candidate))
        try:
            if encoded:
                encoder = _encoder(self.estimator, seed)
                features = encoder.fit_transform(features)
            self.estimator.fit(features, target, **options)
        except HeliotropeError:
            raise
        except (Exception, SystemExit) as error:
            raise self._refusal("fitted to", table, error) from error
        return replace(self, encoder=encoder)

    def predict(self, table: pa.Table) -> NDArray[Any]:
        """One value a row, shape (rows,): labels as str for a classification, else float64.

        Raises EstimatorError when the estimator refuses the rows, SchemaError when a column is missing.
        """
        if not self.classes:
            return np.asarray(self._ask("predict", table) if table.num_rows else (), dtype=np.float64)
        labels = np.array(self.classes, dtype=object)
        if self.estimator is None or not table.num_rows:
            return np.repeat(labels[:1], table.num_rows)
        places = np.asarray(self._ask("predict", table)).astype(np.intp)
        if places.min() < 0 or places.max() >= len(labels):
            raise EstimatorError(
                f"candidate {self.candidate}: {type(self.estimator).__name__} predicted a class it was not fitted on",
                remedy=f"let predict return what fit was given: 0 to {len(labels) - 1}",
            )
        return np.asarray(labels[places])

    def predict_proba(self, table: pa.Table) -> Floats | None:
        """The probability of every class, in the order of ``classes``, shape (rows, K); None where it has none."""
        if not self.classes:
            return None
        if self.estimator is None:
            return np.ones((table.num_rows, 1))
        if not hasattr(self.estimator, "predict_proba"):
            return None
        if not table.num_rows:
            return np.empty((0, len(self.classes)))
        return np.asarray(self._ask("predict_proba", table), dtype=np.float64)

    def _ask(self, method: str, table: pa.Table) -> Any:
        features = self._features(table)
        options = self._times(table)
        try:
            if self.encoder is not None:
                features = _encode(self.encoder, features)
            return getattr(self.estimator, method)(features, **options)
        except (Exception, SystemExit) as error:
            raise self._refusal("asked about", table, error) from error

    def _features(self, table: pa.Table) -> Any:
        return matrix.frame(table, self.kinds) if self.framed else matrix.numbers(table, tuple(self.kinds))

    def _times(self, table: pa.Table) -> dict[str, Any]:
        return {} if self.time is None else {"time": matrix.seconds(table, self.time)}

    def _refusal(self, what: str, table: pa.Table, error: BaseException) -> EstimatorError:
        said = " ".join(str(error).split())
        shown = said if len(said) <= 300 else f"{said[:300]} ..."
        nulls = sum(table.column(name).null_count for name in self.kinds)
        remedy = "mend its parameters, or validate the rows"
        if nulls or "NaN" in said:
            remedy = "set encode: tabular or validation.on_null: drop, or take an estimator that bears missing values"
        elif self.framed and self.encoder is None and "could not convert" in said:
            remedy = "set encode: auto"
        return EstimatorError(
            f"candidate {self.candidate}: {type(self.estimator).__name__}, {what} {table.num_rows} rows, "
            f"raised {type(error).__name__}: {shown}",
            remedy=remedy,
        )


def _check_weights(weights: Floats | None, rows: int, candidate: Candidate) -> None:
    if rows == 0:
        raise EstimatorError(f"candidate {candidate.name}: there are no rows to fit to", remedy="widen its window")
    if weights is None:
        return
    if weights.shape != (rows,):
        raise EstimatorError(f"candidate {candidate.name}: weights of shape {weights.shape} for {rows} rows")
    if not (np.isfinite(weights).all() and weights.min() >= 0.0 and weights.sum() > 0.0):
        raise EstimatorError(
            f"candidate {candidate.name}: weights must be finite, none below 0 and one above, "
            f"not {weights.min():g} .. {weights.max():g}",
            remedy="lengthen the window's half_life",
        )


def _codes(column: pa.ChunkedArray, candidate: Candidate) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Every row's class as its place among the classes, and the classes: ``str(label)``, sorted."""
    if column.null_count:
        raise EstimatorError(
            f"candidate {candidate.name}: {column.null_count} of {len(column)} rows have no label",
            remedy="set validation.on_unlabelled to drop",
        )
    given = column.combine_chunks()
    encoded = given if pa.types.is_dictionary(given.type) else given.dictionary_encode()
    names = [str(label) for label in encoded.dictionary.to_pylist()]
    indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False))
    if encoded is given:  # a dictionary that came with the column may name labels that no row has
        used = np.flatnonzero(np.bincount(indices, minlength=len(names)))
        classes = tuple(sorted({names[place] for place in used}))
    else:
        classes = tuple(sorted(set(names)))
    place_of = {label: place for place, label in enumerate(classes)}
    return np.array([place_of.get(name, -1) for name in names], dtype=np.intp)[indices], classes


def _targets(table: pa.Table, name: str, candidate: Candidate) -> Floats:
    target = matrix.numbers(table, (name,))[:, 0]
    bad = len(target) - int(np.count_nonzero(np.isfinite(target)))
    if bad:
        raise EstimatorError(
            f"candidate {candidate.name}: the target is missing or not finite in {bad} of {len(target)} rows",
            remedy="set validation.on_unlabelled to drop",
        )
    return target


def _by_place(class_weight: Mapping[Any, float], classes: tuple[str, ...], candidate: str) -> dict[int, float]:
    """A weight for each class, given by label, as the estimator that sees places needs it."""
    given = {str(label): weight for label, weight in class_weight.items()}
    return {place: given.get(label, 1.0) for place, label in enumerate(classes)}


def _encode(encoder: Any, features: Any) -> Any:
    """The features as numbers. A category that was never seen is none of those that were, which needs no warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found unknown categories", category=UserWarning)
        return encoder.transform(features)


def _encoder(estimator: Any, seed: int) -> Any:
    """What ``skrub.tabular_pipeline`` puts before the estimator, what is random in it drawn with the seed.

    Texts of many values go through ``TextEncoder`` where skrub would have its StringEncoder, which does the same with a
    vocabulary of as many words as the texts have: seconds to write and to read.
    """
    from skrub import tabular_pipeline

    from heliotrope.candidates.text import TextEncoder

    encoder = tabular_pipeline(estimator)[:-1]
    encoder[0].set_params(high_cardinality=TextEncoder())
    random = [name for name in encoder.get_params() if name.rpartition("__")[2] == "random_state"]
    return encoder.set_params(**dict.fromkeys(random, seed))
