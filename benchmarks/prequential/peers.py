"""The peers: ensembles that learn row by row. An interval is predicted whole before any of its labels is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from prequential.course import Course, Outcome
from prequential.courses import Skipped

__all__ = ["PEERS"]


def _rowwise(
    course: Course, predict: Callable[[Any], Any], learn: Callable[[Any, Any], object], rows: list[list[Any]]
) -> Outcome:
    right = []
    begun = time.perf_counter()
    for place, (batch, labels) in enumerate(zip(rows, course.labels, strict=True)):
        if place:
            right.append(float(np.mean([predict(row) == label for row, label in zip(batch, labels, strict=True)])))
        for row, label in zip(batch, labels, strict=True):
            learn(row, label)
    spent = time.perf_counter() - begun
    counts = [len(labels) for labels in course.labels[1:]]
    return Outcome(right=right, rows=counts, trainings=len(rows), seconds=spent)


def _river(course: Course, make: Callable[[], Any]) -> Outcome:
    """Rows as dicts; what is missing is 0, and a category a text, which River's trees split by its values."""
    names = list(course.features)
    rows = [
        [
            {name: 0.0 if value is None else value for name, value in row.items()}
            for row in table.select(names).to_pylist()
        ]
        for _, table in course.batches
    ]
    model = make()
    return _rowwise(course, model.predict_one, model.learn_one, rows)


def _forest(course: Course) -> Outcome:
    forest = _package("river.forest")
    return _river(course, lambda: forest.ARFClassifier(n_models=10, seed=0))


def _patches(course: Course) -> Outcome:
    ensemble, tree = _package("river.ensemble"), _package("river.tree")
    return _river(course, lambda: ensemble.SRPClassifier(model=tree.HoeffdingTreeClassifier(), n_models=10, seed=0))


def _moa(course: Course) -> Outcome:
    """MOA's adaptive random forest, by CapyMOA; categories are numbered."""
    classifier, stream, core = (_package(name) for name in ("capymoa.classifier", "capymoa.stream", "capymoa.core"))
    names = list(course.features)
    classes = sorted({str(label) for labels in course.labels for label in labels})
    schema = stream.Schema.from_custom([*names, "class"], "class", categories={"class": classes}, name=course.name)
    place_of = {label: place for place, label in enumerate(classes)}
    codes: dict[Any, float] = {}
    model = classifier.AdaptiveRandomForestClassifier(schema=schema, ensemble_size=10, random_seed=1)

    def numbered(value: Any) -> float:
        return codes.setdefault(value, float(len(codes))) if isinstance(value, str) else float(value or 0.0)

    rows = []
    for (_, table), labels in zip(course.batches, course.labels, strict=True):
        matrix = np.array([[numbered(row[name]) for name in names] for row in table.select(names).to_pylist()])
        rows.append(
            [
                core.LabeledInstance.from_array(schema, values, place_of[str(label)])
                for values, label in zip(matrix, labels, strict=True)
            ]
        )

    def predict(row: Any) -> str:
        found = model.predict(row)
        return classes[0 if found is None else int(found)]

    return _rowwise(course, predict, lambda row, _: model.train(row), rows)


def _package(name: str) -> Any:
    top = name.partition(".")[0]
    if find_spec(top) is None:
        raise Skipped(f"the package {top} is not installed")
    try:
        return import_module(name)
    except Exception as error:
        raise Skipped(f"{top} cannot be used here: {error}") from error


PEERS: dict[str, Callable[[Course], Outcome]] = {
    "River ARF, 10 trees": _forest,
    "River SRP, 10 trees": _patches,
    "CapyMOA ARF, 10 trees": _moa,
}
