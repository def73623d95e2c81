"""The report of a range of cycles: one page and two animations, made from the ledger."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.interval import format_time
from heliotrope.ledger import by_hand_text, champions, cycles
from heliotrope.publish import asked, pictures
from heliotrope.publish.film import film

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.interval import Interval
    from heliotrope.ledger import CycleSummary
    from heliotrope.records import Champion
    from heliotrope.report.history import CycleRow, History

__all__ = ["history", "report"]

_MOST_FRAMES = 96
"""An animation, and the page, show no more pictures than this, evenly spread over the range."""
_STRONGEST = 20.0


def report(
    context: Context, span: Sequence[Interval], folder: Path, *, advance: Callable[[str], object] = lambda _: None
) -> tuple[Path, ...]:
    """Write report.html and, where pictures are drawn, continuous-training.gif and data.gif; the files.

    Beside them the first as continuous-training.mp4, where ffmpeg is there. Pictures that an earlier replay left out
    are drawn now. ``advance`` is told of every picture and of every model that is asked.
    """
    from heliotrope.report.page import render

    context.known_at = None
    summaries = _cycles(context, span)
    shown = _spread(summaries) if context.pipeline.report.pictures else []
    if shown:
        pictures.look_again(context)
    frames = []
    for one in shown:
        frames.append((one.interval, _picture(context, one.interval)))
        advance(f"picture, {format_time(one.interval.start)}")
    films = _films(context, frames, advance) if frames else {}
    page = render(history(context, span, summaries, frames=tuple(frames), animations=films, advance=advance))
    folder.mkdir(parents=True, exist_ok=True)
    files = {"report.html": page.encode(), **films}
    for name, data in files.items():
        pictures.write(folder / name, data)
    return tuple(folder / name for name in files)


def _films(
    context: Context, frames: Sequence[tuple[Interval, bytes]], advance: Callable[[str], object]
) -> dict[str, bytes]:
    """The animations, by the name of their file."""
    from heliotrope.report.animation import animate

    drawn = [frame for _, frame in frames]
    found = {"continuous-training.gif": animate(drawn)}
    data = []
    for interval, _ in frames:
        data.append(pictures.data_picture(context, interval))
        advance(f"rows, {format_time(interval.start)}")
    found["data.gif"] = animate(data)
    moving, why_not = film(drawn)
    if moving is not None:
        found["continuous-training.mp4"] = moving
    elif why_not and context.ledger.notice is not None:
        context.ledger.notice(f"there is no MP4 of the pictures: {why_not}", "")
    return found


def history(
    context: Context,
    span: Sequence[Interval],
    summaries: Sequence[CycleSummary],
    *,
    frames: tuple[tuple[Interval, bytes], ...] = (),
    animations: Mapping[str, bytes] | None = None,
    advance: Callable[[str], object] = lambda _: None,
) -> History:
    """What the page shows of the range, as the ledger has it."""
    from heliotrope.report.history import ChampionSpan, History

    pipeline = context.pipeline
    served = champions(context.ledger.connection, context.ledger.pipeline_id, context.segment, every=True)
    start, end = span[0].start, span[-1].end
    animations = animations or {}
    first = asked.frozen(context, summaries, served, advance)
    answers = asked.again(context, summaries, served, advance)
    return History(
        pipeline=f"{pipeline.name}, {context.segment}" if context.segment else pipeline.name,
        task=pipeline.task,
        metric=pipeline.metric,
        lower_is_better=pipeline.lower_is_better,
        best_possible=pipeline.report.best_possible,
        start=start,
        end=end,
        rows=tuple(
            replace(
                _row(context, one),
                frozen=first.scores.get(one.interval.start),
                window_rows=_window_rows(served, one),
            )
            for one in summaries
        ),
        champions=tuple(
            ChampionSpan(
                champion=one.candidate,
                start=one.valid_from,
                end=one.valid_to,
                reasons=one.reasons,
                window=one.training.window,
            )
            for one in served
            if one.valid_from != one.valid_to
            and one.valid_from < end
            and (one.valid_to is None or one.valid_to > start)
        ),
        generated_at=context.clock(),
        animation=animations.get("continuous-training.gif"),
        by_hand=tuple(by_hand_text(one) for one in served if one.by_hand and start < one.valid_from <= end),
        frames=frames,
        cut=pictures.cut(context) if frames else "",
        names=pictures.names(context) if frames else (),
        target=pipeline.target,
        first_model=first.name,
        asked=answers,
        notes=tuple(note for note in (first.note, *(() if answers is None else answers.notes)) if note),
    )


def _window_rows(served: Sequence[Champion], summary: CycleSummary) -> int | None:
    """The rows that who served in the interval was trained on."""
    place = bisect_right(served, summary.interval.start, key=lambda one: one.valid_from) - 1
    return served[place].training.rows if place >= 0 and summary.champion is not None else None


def _cycles(context: Context, span: Sequence[Interval]) -> tuple[CycleSummary, ...]:
    with context.database.errors():
        return cycles(
            context.ledger.connection,
            context.ledger.pipeline_id,
            context.segment,
            start=span[0].start,
            end=span[-1].end,
        )


def _spread(summaries: Sequence[CycleSummary]) -> list[CycleSummary]:
    places = np.unique(np.linspace(0, len(summaries) - 1, min(len(summaries), _MOST_FRAMES)).astype(int))
    return [summaries[place] for place in places]


def _picture(context: Context, interval: Interval) -> bytes:
    kept = pictures.path(context, interval)
    return (kept if kept.exists() else pictures.picture(context, interval)).read_bytes()


def _row(context: Context, summary: CycleSummary) -> CycleRow:
    from heliotrope.report.history import CycleRow, Fit

    metric = context.pipeline.metric
    scored = summary.champion
    readings = {_label(one): _strength(one) for one in summary.drift}
    return CycleRow(
        interval=summary.interval,
        champion=None if scored is None else scored["candidate"],
        score=None if scored is None else scored["metrics"].get(metric),
        rescored=None if summary.rescored is None else summary.rescored.get(metric),
        provisional=summary.provisional,
        metrics={} if scored is None else {k: v for k, v in scored["metrics"].items() if v is not None},
        challengers={
            one["candidate"]: one["metrics"][metric]
            for one in summary.evaluations
            if one["role"] == "challenger" and one["metrics"].get(metric) is not None
        },
        drift=readings,
        drifted=tuple(_label(one) for one in summary.drift if one["drifted"]),
        decision=summary.decided,
        reasons=tuple(reason for decision in summary.decisions for reason in decision["reasons"]),
        rows=summary.rows,
        seconds=math.fsum(summary.seconds.values()),
        trained=summary.trained,
        fits=tuple(
            Fit(one["candidate"], one["rows"], one["seconds"], bool(one["failure"])) for one in summary.trainings
        ),
    )


def _label(reading: Mapping[str, Any]) -> str:
    feature = "all together" if reading["feature"] == "*" else reading["feature"]
    return f"{feature}, {reading['detector'].replace('_', ' ')}"


def _strength(reading: Mapping[str, Any]) -> float:
    """How near a reading is to its threshold, or how far beyond it: 1 is at the threshold."""
    p, threshold = reading["p_value"], reading["threshold"]
    if p is None:
        return min(_STRONGEST, float(reading["statistic"] / threshold))
    if not 0 < threshold < 1:
        return 1.0 if reading["drifted"] else 0.0
    return min(_STRONGEST, math.log(max(p, 1e-300)) / math.log(threshold))
