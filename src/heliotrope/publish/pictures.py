"""Pictures of cycles, drawn from what the ledger says, and kept as files named after their interval."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import cycle
from heliotrope.interval import Interval, floor, format_time
from heliotrope.ledger import cycles
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.candidates.model import Model
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary
    from heliotrope.report.scene import Levels, Limits, Scene

__all__ = ["cut", "data_picture", "folder", "look_again", "names", "path", "picture", "write"]

_LOOKED_AT = 24
_Axes = tuple[str, str]


def folder(context: Context) -> Path:
    """Where the pipeline's pictures are; a segment's in a folder of its own, named by the hash of its name."""
    place = context.folder / "pictures" / context.pipeline.name
    if context.segment:
        return place / "segments" / hashlib.sha256(context.segment.encode()).hexdigest()[:32]
    return place


def path(context: Context, interval: Interval) -> Path:
    """The file of an interval's picture, whether or not it is there."""
    return folder(context) / f"{format_time(interval.start).replace(':', '')}.png"


def picture(context: Context, interval: Interval) -> Path:
    """Draw the interval's cycle, and keep it; the file. The cycle must have been assessed."""
    from heliotrope.report.frame import draw

    connection, pipeline_id = context.ledger.connection, context.ledger.pipeline_id
    with context.database.errors():
        summary = cycles(connection, pipeline_id, context.segment, start=interval.start, end=interval.end)[0]
    target = path(context, interval)
    write(target, draw(_scene(context, summary)))
    return target


def data_picture(context: Context, interval: Interval) -> bytes:
    """The interval's rows alone, as a PNG."""
    from heliotrope.report.frame import draw
    from heliotrope.report.scene import Scene

    batch = context.batches(interval)[0]
    shown = _view(context)
    return draw(
        Scene(
            interval=interval,
            table=batch.table,
            features=context.kinds,
            target=context.pipeline.target,
            task=context.pipeline.task,
            classes=_classes(context, batch.table),
            axes=shown.axes,
            levels=shown.levels,
            limits=shown.limits,
        )
    )


def _scene(context: Context, summary: CycleSummary) -> Scene:
    """The rows, the model that met them, and what came of it."""
    from heliotrope.report.scene import Scene

    pipeline, interval = context.pipeline, summary.interval
    before = context.ledger.champion_at(interval.start)
    after = None if before is not None else context.ledger.champion_at(interval.end)
    champion = before or after
    model = None if champion is None else cycle.serving(context, champion)
    batch = context.batches(interval)[0]
    classes = _classes(context, batch.table, model)
    view = _view(context)
    shown = None if champion is None else champion.candidate if before else f"{champion.candidate}, trained on these"
    scored = summary.champion
    # A champion that needs a column which is declared no more has no regions over those that are.
    asked = model if batch.rows and not context.undeclared(model) else None
    return Scene(
        interval=interval,
        table=batch.table,
        features=context.kinds,
        target=pipeline.target,
        task=pipeline.task,
        classes=classes,
        predict=None if asked is None else _predict(asked, classes),
        champion=shown,
        metric=pipeline.metric,
        score=None if scored is None else scored["metrics"].get(pipeline.metric),
        drifted=bool(summary.drifted) if summary.drift else None,
        decision=summary.decided,
        axes=view.axes,
        drifting=view.drifting,
        levels=view.levels,
        # Of a regression predicted values are shown against actual ones: both on the target's scale.
        limits=(view.limits[1],) * 2 if view.limits is not None and pipeline.task == "regression" else view.limits,
    )


def _predict(model: Model, classes: tuple[str, ...]) -> Any:
    """The model as a picture asks it: one column of probabilities for each of ``classes``, zeros where it lacks one."""

    def predict(table: pa.Table) -> tuple[Any, Any]:
        with one_thread(openmp=True):
            labels, proba = model.answers(table)
        if proba is None or model.classes == classes:
            return labels, proba
        spread = np.zeros((len(labels), len(classes)))
        spread[:, [classes.index(name) for name in model.classes]] = proba
        return labels, spread

    return predict


def _classes(context: Context, table: pa.Table, model: Model | None = None) -> tuple[str, ...]:
    """The classes there are, in an order that keeps their colours: as declared, as first looked at, else by name."""
    if context.pipeline.task == "regression":
        return ()
    found = set(_labels(context, table)) | set(model.classes if model is not None else ())
    known = _view(context).classes
    return (*known, *sorted(found - set(known)))


def _labels(context: Context, table: pa.Table) -> set[str]:
    return {str(value) for value in table[context.pipeline.target].unique().to_pylist() if value is not None}


def cut(context: Context) -> str:
    """What is on the axes of all pictures and why, in words; empty where there is no choice."""
    view = _view(context)
    if view.axes is None:
        return ""
    (first, second), count = view.axes, len(context.kinds)
    if context.pipeline.task == "regression":
        if count == 1:
            return ""
        return (
            f"In data.gif, {second} is shown against {first}, the one of the {count} features that tells most about "
            "it. It was chosen once, for all pictures."
        )
    few = [name for name, levels in zip(view.axes, view.levels, strict=True) if levels]
    said = f" Points are spread a little about the few values of {' and '.join(few)}." if few else ""
    if count <= 2:
        return said.strip()
    why = "that drift most" if view.drifting else "that tell most about the target"
    others = " after those with many values" if few else ""
    return (
        f"Of the {count} features, {first} and {second} are on the axes, those {why}{others}; they were chosen once, "
        "for all pictures. The others are held at their median, or their most frequent value, in the interval. "
        f"Crossed rows are those that the model, asked with all their features, predicts wrongly.{said}"
    )


def names(context: Context) -> tuple[tuple[str, str], ...]:
    """The names of classes that pictures have no room for, as they are there and in full."""
    from heliotrope.report.names import shortened

    known = _view(context).classes
    return tuple((short, name) for short, name in zip(shortened(known), known, strict=False) if short != name)


def look_again(context: Context) -> None:
    """Choose the view anew where it was chosen over few intervals; where it is another, pictures are drawn again."""
    before = _view(context)
    if before.intervals >= _LOOKED_AT:
        return
    chosen = _chosen_view(context)
    if chosen.intervals > before.intervals:
        _keep(context, chosen)
        if replace(before, intervals=chosen.intervals) != chosen:
            _drop(context)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What pictures show, and over how many intervals that was chosen."""

    axes: _Axes | None
    """Two features, or of a regression a feature and the target."""
    limits: Limits | None
    levels: Levels
    classes: tuple[str, ...]
    drifting: bool
    """Whether these features drift most."""
    intervals: int


def _view(context: Context) -> _Chosen:
    """What is shown; chosen once, so that no animation jumps."""
    known: _Chosen | None = context.scratch.get("view")
    if known is None:
        known = _kept(context)
        if known is None:
            known = _chosen_view(context)
            if (folder(context) / "view.json").exists():  # of features that are no more, or of an older version
                _drop(context)
            _keep(context, known)
        context.scratch["view"] = known
    return known


def _kept(context: Context) -> _Chosen | None:
    """The view of the pictures that are there; None where there is none, or one over features that are no more."""
    try:
        said = json.loads((folder(context) / "view.json").read_text())
        axes = None if said["axes"] is None else (str(said["axes"][0]), str(said["axes"][1]))
        first, second = (tuple(float(value) for value in few) for few in said["levels"])
        classes = tuple(str(name) for name in said["classes"])
        declared = context.pipeline.classes or ()
        known = _Chosen(
            axes, _pairs(said["limits"]), (first, second), classes, bool(said["drifting"]), int(said["intervals"])
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    there = {*context.kinds, context.pipeline.target}
    return known if set(axes or ()) <= there and classes[: len(declared)] == tuple(declared) else None


def _keep(context: Context, chosen: _Chosen) -> None:
    write(folder(context) / "view.json", json.dumps(asdict(chosen)).encode())
    context.scratch["view"] = chosen


def _drop(context: Context) -> None:
    """Remove pictures that show another view; each is drawn again when it is asked for."""
    for drawn in folder(context).glob("*.png"):
        drawn.unlink(missing_ok=True)


def _pairs(limits: Sequence[Sequence[float]] | None) -> Limits | None:
    if limits is None:
        return None
    (left, right), (low, high) = limits
    return ((left, right), (low, high))


def _chosen_view(context: Context) -> _Chosen:
    span = context.rows.span()
    declared = tuple(context.pipeline.classes or ())
    if span is None:
        return _Chosen(None, None, ((), ()), declared, False, 0)
    step = context.pipeline.interval
    begin, count = floor(span[0], step), round((floor(span[1], step) - floor(span[0], step)) / step) + 1
    places = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
    batches = [
        context.batches(Interval(begin + int(place) * step, begin + (int(place) + 1) * step))[0] for place in places
    ]
    filled = [batch for batch in batches if batch.rows]
    table = cycle.concat(filled or batches[:1])
    if context.pipeline.task == "regression":
        return _against_target(context, table, len(places))
    whose = np.repeat(np.arange(len(filled)), [batch.table.num_rows for batch in filled])
    classes = (*declared, *sorted(_labels(context, table) - set(declared)))
    return _two_features(context, table, whose, classes, len(places))


def _against_target(context: Context, table: pa.Table, intervals: int) -> _Chosen:
    """The one feature that tells most, and the target; without a number among the features, the target alone."""
    from heliotrope.report.compose import ROOM
    from heliotrope.report.view import choose_axes, choose_limits, levels_of, numbers

    target = context.pipeline.target
    up = choose_limits(numbers(table, target), room=ROOM)
    axes = choose_axes(table, context.kinds, target, context.pipeline.task)
    if not axes:
        return _Chosen(None, ((0.0, 1.0), up), ((), ()), (), False, intervals)
    values = numbers(table, axes[0])
    levels = levels_of(values)
    limits = choose_limits(values, room=ROOM, levels=levels), up
    return _Chosen((axes[0], target), limits, (levels, ()), (), False, intervals)


def _two_features(
    context: Context, table: pa.Table, whose: NDArray[np.int64], classes: tuple[str, ...], intervals: int
) -> _Chosen:
    """The two features that drift most; of one interval, those that tell most. ``whose``: each row's interval."""
    from heliotrope.report.view import choose_axes, choose_limits, levels_of, most_drifting, numbers

    axes = choose_axes(table, context.kinds, context.pipeline.target, context.pipeline.task)
    if len(axes) < 2:
        return _Chosen(None, None, ((), ()), classes, False, intervals)
    drifting = len(context.kinds) > 2 and len(whose) > 0 and whose[-1] > 0
    if drifting:
        axes = most_drifting(table, context.kinds, whose)
    first, second = (numbers(table, name) for name in axes[:2])
    levels = levels_of(first), levels_of(second)
    across, up = choose_limits(first, levels=levels[0]), choose_limits(second, levels=levels[1])
    sizes = across[1] - across[0], up[1] - up[0]
    if not any(levels) and max(sizes) < 1.5 * min(sizes):
        across = up = choose_limits(np.concatenate([first, second]))  # one scale, where one fits both
    return _Chosen((axes[0], axes[1]), (across, up), levels, classes, bool(drifting), intervals)


def write(target: Path, data: bytes) -> None:
    """Whole or not at all, also with two writers."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(target)
