"""heliotrope's own: whole pipelines as they would have run live, and single candidates trained at every interval."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from heliotrope import config
from heliotrope import window as windows
from heliotrope.candidates.model import Model
from heliotrope.provenance import seed_for
from heliotrope.records import Action
from heliotrope.store import Rows
from heliotrope.store.relation import Column, Relation
from heliotrope.threads import one_thread
from heliotrope.whatif.engine import Engine
from heliotrope.whatif.memory import NOWHERE, Tried
from heliotrope.whatif.past import History
from prequential.course import Course, Outcome

__all__ = ["alarms", "fixed", "pipelines"]

_TYPES = {pa.string(): "text", pa.float64(): "float8", pa.int64(): "int8", pa.int32(): "int4", pa.int16(): "int2"}


def pipelines(course: Course, declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Outcome]:
    """Policies as a pipeline's file has them: cycle after cycle, on the ledger in memory of `heliotrope whatif`.

    They go through time side by side and share equal fits, so that the seconds of each are those of its fits alone.
    """
    engine = Engine([config.parse(course.pipeline(**said)) for said in declared.values()], _history(course))
    for interval, _ in course.batches:
        engine.run(interval)
    rows = [table.num_rows for _, table in course.batches[1:]]
    return {
        name: Outcome(
            right=list(run.scores[1:]),
            rows=rows,
            trainings=run.trainings,
            seconds=run.fit_seconds,
            alarms=sum(_alarmed(tried) for tried in context.memory.cycles),
            changes=run.promotions - run.refreshes,
        )
        for name, run, context in zip(declared, engine.runs(), engine.contexts, strict=True)
    }


def alarms(course: Course, declared: Mapping[str, Any]) -> list[int]:
    """The places of the intervals in which a policy's trigger raised an alarm."""
    engine = Engine([config.parse(course.pipeline(**declared))], _history(course))
    for interval, _ in course.batches:
        engine.run(interval)
    (context,) = engine.contexts
    return [place for place, tried in enumerate(context.memory.cycles) if _alarmed(tried)]


def _alarmed(tried: Tried) -> bool:
    decision = tried.decisions.get("trigger")
    if decision is None or decision.action is not Action.TRAIN:
        return False
    return not any("schedule" in reason or "no champion" in reason for reason in decision.reasons)


def fixed(course: Course, declared: Mapping[str, Any], *, once: bool = False) -> Outcome:
    """One candidate, trained after every interval, or ``once``, after the first; no gate."""
    parsed = config.parse(course.pipeline(candidates=[dict(declared) | {"name": "fixed"}]))
    (candidate,) = parsed.candidates
    first, step = course.batches[0][0].start, parsed.interval
    kinds: Any = dict(course.features)
    tables = {interval.start: table for interval, table in course.batches}
    model, right, trainings = None, [], 0
    begun = time.perf_counter()
    for interval, table in course.batches[1:]:
        chosen = windows.select(candidate.window, end=interval.start, step=step, first=first, changed=None)
        assert chosen is not None, "there is one interval at least"
        window = [tables[at] for at in _grid(chosen.start, chosen.end, step) if at in tables]
        if model is None or (window and not once):
            rows = pa.concat_tables(window)
            stamps = rows["time"].to_numpy().astype("datetime64[us]")
            weights = windows.weights(candidate.window, stamps, end=chosen.end, step=step)
            with one_thread(openmp=True):
                model = Model.fit(candidate, rows, pipeline=parsed, kinds=kinds, weights=weights, seed=_seed(interval))
            trainings += 1
        with one_thread(openmp=True):
            predicted = model.predict(table)
        right.append(float(np.mean(predicted == np.asarray(table["class"].to_numpy(zero_copy_only=False)))))
    counts = [table.num_rows for _, table in course.batches[1:]]
    return Outcome(right=right, rows=counts, trainings=trainings, seconds=time.perf_counter() - begun)


def _grid(start: Any, end: Any, step: timedelta) -> list[Any]:
    return [start + place * step for place in range((end - start) // step)]


def _seed(interval: Any) -> int:
    return seed_for(0, "fixed", str(interval))


def _history(course: Course) -> History:
    table = course.table
    columns = [Column(name, _TYPES.get(table.schema.field(name).type, "timestamptz")) for name in table.column_names]
    relation = Relation("public", "stream", tuple(columns))
    times = table["time"].to_pylist()
    return History(table, relation, (times[0], times[-1]), Rows(NOWHERE, relation.name, "time"))
