"""A model fitted a batch at a time, for windows that do not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.candidates import matrix
from heliotrope.candidates.estimator import make, takes
from heliotrope.candidates.model import Model
from heliotrope.candidates.process import no_copy_goes_on
from heliotrope.errors import EstimatorError, said

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.candidates.matrix import Kinds
    from heliotrope.config import Candidate, Pipeline

    Floats = NDArray[np.float64]

__all__ = ["fit"]


def fit(
    candidate: Candidate,
    tables: Iterable[pa.Table],
    *,
    pipeline: Pipeline,
    kinds: Kinds,
    weights: Callable[[pa.Table], Floats | None],
    seed: int,
) -> Model | None:
    """The candidate's estimator after ``partial_fit`` of each table, in their order, one held at a time; None of none.

    ``weights`` gives those of a table's rows. Raises EstimatorError for an estimator that has no ``partial_fit``, takes
    no weights where there are some, or refuses the rows, and for features that are not numbers.
    """
    estimator = make(candidate, seed=seed, task=pipeline.task)
    where = f"candidate {candidate.name}"
    if not callable(getattr(estimator, "partial_fit", None)):
        raise EstimatorError(
            f"{where}: {type(estimator).__name__} has no partial_fit",
            remedy="remove stream: true, or take an estimator that has it, as sklearn.linear_model.SGDClassifier",
        )
    named = [name for name, kind in kinds.items() if kind != "numeric"]
    if named:
        raise EstimatorError(
            f"{where}: stream: true takes numbers, and {named[0]!r} is categorical", remedy="remove stream: true"
        )
    classes = tuple(sorted(pipeline.classes or ()))
    timed = takes(estimator.partial_fit, "time")
    model = Model(
        candidate=candidate.name,
        kinds=dict(kinds),
        classes=classes,
        time=pipeline.source.time if timed else None,
        framed=False,
        encoder=None,
        estimator=estimator,
    )
    rows = 0
    for table in tables:
        options: dict[str, Any] = {"classes": np.arange(len(classes))} if classes and not rows else {}
        if timed:
            options["time"] = matrix.seconds(table, pipeline.source.time)
        given = weights(table)
        if given is not None:
            if not takes(estimator.partial_fit, "sample_weight"):
                raise EstimatorError(
                    f"{where}: partial_fit of {type(estimator).__name__} takes no sample_weight",
                    remedy="take a window that is not decayed, or remove stream: true",
                )
            options["sample_weight"] = given
        try:
            with no_copy_goes_on():
                estimator.partial_fit(
                    matrix.numbers(table, tuple(kinds)), _target(table, pipeline, classes, where), **options
                )
        except EstimatorError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise EstimatorError(
                f"{where}: partial_fit of {type(estimator).__name__} on {table.num_rows} rows raised "
                f"{type(error).__name__}: {said(error)}",
                remedy="mend its parameters, or validate the rows",
            ) from error
        rows += table.num_rows
    return model if rows else None


def _target(table: pa.Table, pipeline: Pipeline, classes: tuple[str, ...], where: str) -> NDArray[Any]:
    if not classes:
        return np.asarray(matrix.numbers(table, (pipeline.target,))[:, 0])
    encoded = table.column(pipeline.target).combine_chunks().dictionary_encode()
    labels = [str(label) for label in encoded.dictionary.to_pylist()]
    unknown = [label for label in labels if label not in classes]
    if unknown:
        raise EstimatorError(
            f"{where}: class {unknown[0]!r} is not among the declared ones", remedy="add it to classes"
        )
    places = np.array([classes.index(label) for label in labels], dtype=np.intp)
    return np.asarray(places[encoded.indices.to_numpy()])
