"""Pictures of cycles, drawn from what the ledger says, and kept as files named after their interval."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import cycle
from heliotrope.interval import Interval, floor, format_time
from heliotrope.ledger import cycles
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    import pyarrow as pa

    from heliotrope.candidates.model import Model
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary
    from heliotrope.report.scene import Limits, Scene

__all__ = ["cut", "data_picture", "folder", "look_again", "path", "picture", "write"]

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
    axes, limits, _ = _view(context)
    return draw(
        Scene(
            interval=interval,
            table=batch.table,
            features=context.kinds,
            target=context.pipeline.target,
            task=context.pipeline.task,
            classes=_classes(context, batch.table),
            axes=axes,
            limits=limits,
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
    axes, limits, drifting = _view(context)
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
        axes=axes,
        limits=limits,
        drifting=drifting,
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
    """The classes there are, in an order that keeps their colours: as declared, else by name."""
    if context.pipeline.task == "regression":
        return ()
    found = {str(value) for value in table[context.pipeline.target].unique().to_pylist() if value is not None}
    found |= set(model.classes if model is not None else ())
    declared = context.pipeline.classes or ()
    return (*declared, *sorted(found - set(declared)))


def cut(context: Context) -> str:
    """Which cut through regions of more than two dimensions the pictures show, in words; empty where there is none."""
    axes, _, drifting = _view(context)
    if axes is None or len(context.kinds) <= 2:
        return ""
    why = "that drift most" if drifting else "that tell most about the target"
    return (
        f"Of the {len(context.kinds)} features, {axes[0]} and {axes[1]} are on the axes, those {why}; the others are "
        "held at their median, or their most frequent value, in the interval. Crossed rows are those that the model, "
        "asked with all their features, predicts wrongly."
    )


def look_again(context: Context) -> None:
    """Choose the view anew where it was chosen over few intervals; where it is another, pictures are drawn again."""
    before = _view(context)
    if context.scratch["view"].intervals >= _LOOKED_AT:
        return
    chosen = _chosen_view(context)
    if chosen.intervals > context.scratch["view"].intervals:
        _keep(context, chosen)
        if _view(context) != before:
            _drop(context)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What pictures show, and over how many intervals that was chosen."""

    axes: _Axes | None
    limits: Limits | None
    drifting: bool
    intervals: int


def _view(context: Context) -> tuple[_Axes | None, Limits | None, bool]:
    """The two axes, their limits, and whether these features drift most; chosen once, so that no animation jumps."""
    known = context.scratch.get("view")
    if known is None:
        known = _kept(context)
        if known is None:
            known = _chosen_view(context)
            if (folder(context) / "view.json").exists():  # of features that are no more, or of an older version
                _drop(context)
            _keep(context, known)
        context.scratch["view"] = known
    return known.axes, known.limits, known.drifting


def _kept(context: Context) -> _Chosen | None:
    """The view of the pictures that are there; None where there is none, or one over features that are no more."""
    try:
        said = json.loads((folder(context) / "view.json").read_text())
        axes = None if said["axes"] is None else (str(said["axes"][0]), str(said["axes"][1]))
        known = _Chosen(axes, _pairs(said["limits"]), bool(said["drifting"]), int(said["intervals"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return known if set(axes or ()) <= set(context.kinds) else None


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
    from heliotrope.report.view import choose_axes, choose_limits, most_drifting, numbers

    span = context.rows.span()
    if span is None:
        return _Chosen(None, None, False, 0)
    step = context.pipeline.interval
    begin, count = floor(span[0], step), round((floor(span[1], step) - floor(span[0], step)) / step) + 1
    places = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
    batches = [
        context.batches(Interval(begin + int(place) * step, begin + (int(place) + 1) * step))[0] for place in places
    ]
    filled = [batch for batch in batches if batch.rows]
    table = cycle.concat(filled or batches[:1])
    if context.pipeline.task == "regression":
        target = choose_limits(numbers(table, context.pipeline.target))
        return _Chosen(None, (target, target), False, len(places))
    axes = choose_axes(table, context.kinds, context.pipeline.target, context.pipeline.task)
    if len(axes) < 2:
        return _Chosen(None, None, False, len(places))
    drifting = len(context.kinds) > 2 and len(filled) > 1
    if drifting:
        whose = np.repeat(np.arange(len(filled)), [batch.table.num_rows for batch in filled])
        axes = most_drifting(table, context.kinds, whose)
    first, second = (numbers(table, name) for name in axes[:2])
    across, up = choose_limits(first), choose_limits(second)
    if max(across[1] - across[0], up[1] - up[0]) < 1.5 * min(across[1] - across[0], up[1] - up[0]):
        across = up = choose_limits(np.concatenate([first, second]))  # one scale, where one fits both
    return _Chosen((axes[0], axes[1]), (across, up), drifting, len(places))


def write(target: Path, data: bytes) -> None:
    """Whole or not at all, also with two writers."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(target)
