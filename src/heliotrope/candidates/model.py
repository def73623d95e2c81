"""A model: what is fitted to a window, kept in a file, and asked for predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from heliotrope.candidates import matrix
from heliotrope.candidates.encoding import bare, encode, encoder_for
from heliotrope.candidates.estimator import make, takes
from heliotrope.candidates.process import no_copy_goes_on
from heliotrope.errors import EstimatorError, HeliotropeError, said

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
                encoder = encoder_for(self.estimator, seed)
                features = encoder.fit_transform(features)
                encoder = bare(encoder)
            with no_copy_goes_on():
                self.estimator.fit(features, target, **options)
        except (HeliotropeError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._refusal("fitted to", table, error) from error
        return replace(self, encoder=encoder)

    def predict(self, table: pa.Table) -> NDArray[Any]:
        """One value a row, shape (rows,): labels as str for a classification, else float64.

        Raises EstimatorError when the estimator refuses the rows, SchemaError when a column is missing.
        """
        return self._predicted(_Question(self, table))

    def predict_proba(self, table: pa.Table) -> Floats | None:
        """The probability of every class, in the order of ``classes``, shape (rows, K); None where it has none."""
        return self._probable(_Question(self, table))

    def answers(self, table: pa.Table) -> tuple[NDArray[Any], Floats | None]:
        """What ``predict`` and ``predict_proba`` say, the rows encoded once."""
        question = _Question(self, table)
        return self._predicted(question), self._probable(question)

    def _predicted(self, question: _Question) -> NDArray[Any]:
        table = question.table
        if not self.classes:
            return question.put("predict", np.float64) if table.num_rows else np.empty(0)
        labels = np.array(self.classes, dtype=object)
        if self.estimator is None or not table.num_rows:
            return np.repeat(labels[:1], table.num_rows)
        places = question.put("predict", np.intp)
        if places.min() < 0 or places.max() >= len(labels):
            raise EstimatorError(
                f"candidate {self.candidate}: {type(self.estimator).__name__} predicted a class it was not fitted on",
                remedy=f"let predict return what fit was given: 0 to {len(labels) - 1}",
            )
        return np.asarray(labels[places])

    def _probable(self, question: _Question) -> Floats | None:
        rows = question.table.num_rows
        if not self.classes:
            return None
        if self.estimator is None:
            return np.ones((rows, 1))
        if not hasattr(self.estimator, "predict_proba"):
            return None
        if not rows:
            return np.empty((0, len(self.classes)))
        return question.put("predict_proba", np.float64)

    def _features(self, table: pa.Table) -> Any:
        return matrix.frame(table, self.kinds) if self.framed else matrix.numbers(table, tuple(self.kinds))

    def _times(self, table: pa.Table) -> dict[str, Any]:
        return {} if self.time is None else {"time": matrix.seconds(table, self.time)}

    def _refusal(self, what: str, table: pa.Table, error: BaseException) -> EstimatorError:
        text = said(error)
        nulls = sum(table.column(name).null_count for name in self.kinds)
        remedy = "mend its parameters, or validate the rows"
        if nulls or "NaN" in text:
            remedy = "set encode: tabular or validation.on_null: drop, or take an estimator that bears missing values"
        elif self.framed and self.encoder is None and "could not convert" in text:
            remedy = "set encode: auto"
        return EstimatorError(
            f"candidate {self.candidate}: {type(self.estimator).__name__}, {what} {table.num_rows} rows, "
            f"raised {type(error).__name__}: {text}",
            remedy=remedy,
        )


@dataclass(slots=True, eq=False)
class _Question:
    """Rows that a model is asked about, encoded when it is first asked."""

    model: Model
    table: pa.Table
    options: dict[str, Floats] | None = None
    features: Any = None

    def put(self, method: str, kind: type[Any]) -> NDArray[Any]:
        """What the estimator's method says of the rows, as numbers of that kind."""
        model = self.model
        if self.options is None:
            self.options, self.features = model._times(self.table), model._features(self.table)
            self.features = self._tried(lambda: encode(model.encoder, self.features))
        answer = self._tried(lambda: getattr(model.estimator, method)(self.features, **(self.options or {})))
        try:
            found = np.asarray(answer)
            if np.iscomplexobj(found):
                raise TypeError("complex numbers")
            return np.asarray(found, dtype=kind)
        except (TypeError, ValueError) as error:
            what = "a number" if method == "predict" else "the probabilities of the classes"
            raise EstimatorError(
                f"candidate {model.candidate}: {method} of {type(model.estimator).__name__} gave what is no array of "
                f"numbers: {said(error)}",
                remedy=f"let it return {what} a row",
            ) from None

    def _tried(self, call: Callable[[], Any]) -> Any:
        try:
            with no_copy_goes_on():
                return call()
        except (HeliotropeError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self.model._refusal("asked about", self.table, error) from error


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
