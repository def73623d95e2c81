"""Pictures of cycles, drawn from what the ledger says, and kept as files named after their interval."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
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

__all__ = ["data_picture", "folder", "path", "picture", "write"]

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
    axes, limits = _view(context)
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
    axes, limits = _view(context)
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
        decision=summary.outcome,
        axes=axes,
        limits=limits,
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


def _view(context: Context) -> tuple[_Axes | None, Limits | None]:
    """The two axes and their limits, chosen once over the whole history and kept, so that no animation jumps."""
    known = context.scratch.get("view")
    if known is None:
        kept = folder(context) / "view.json"
        try:
            said = json.loads(kept.read_text())
            axes = None if said["axes"] is None else tuple(said["axes"])
            known = (axes, _pairs(said["limits"])) if set(axes or ()) <= set(context.kinds) else None
        except (OSError, ValueError, KeyError, TypeError):
            known = None
        if known is None:
            known = _chosen_view(context)
            write(kept, json.dumps({"axes": known[0], "limits": known[1]}).encode())
        context.scratch["view"] = known
    axes, limits = known
    return axes, limits


def _pairs(limits: Sequence[Sequence[float]]) -> Limits:
    (left, right), (low, high) = limits
    return ((left, right), (low, high))


def _chosen_view(context: Context) -> tuple[_Axes | None, Limits | None]:
    from heliotrope.report.view import choose_axes, choose_limits, numbers

    span = context.rows.span()
    if span is None:
        return None, None
    step = context.pipeline.interval
    begin, count = floor(span[0], step), round((floor(span[1], step) - floor(span[0], step)) / step) + 1
    places = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
    batches = [
        context.batches(Interval(begin + int(place) * step, begin + (int(place) + 1) * step))[0] for place in places
    ]
    table = cycle.concat([batch for batch in batches if batch.rows] or batches[:1])
    if context.pipeline.task == "regression":
        target = choose_limits(numbers(table, context.pipeline.target))
        return None, (target, target)
    axes = choose_axes(table, context.kinds, context.pipeline.target, context.pipeline.task)
    if len(axes) < 2:
        return None, None
    first, second = (numbers(table, name) for name in axes[:2])
    across, up = choose_limits(first), choose_limits(second)
    if max(across[1] - across[0], up[1] - up[0]) < 1.5 * min(across[1] - across[0], up[1] - up[0]):
        across = up = choose_limits(np.concatenate([first, second]))  # one scale, where one fits both
    return (axes[0], axes[1]), (across, up)


def write(target: Path, data: bytes) -> None:
    """Whole or not at all, also with two writers."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(target)
