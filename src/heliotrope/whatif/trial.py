"""The whole question: policies over a stretch of history, what they came to, and what hindsight could have done."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heliotrope.errors import DataError, counted
from heliotrope.interval import Interval, format_time
from heliotrope.whatif import fanout, past
from heliotrope.whatif.engine import Done
from heliotrope.whatif.grid import Policy
from heliotrope.whatif.verdict import Verdict, judge
from heliotrope.workers import Backend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.context import Context

__all__ = ["Trial", "run"]

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[str], None]]]
"""Opens a progress of that name and that many parts; what it gives is called once a part."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """What many policies came to."""

    verdict: Verdict
    oracle: NDArray[np.float64]
    """The best mean with at most 1, 2, ... trainings of any one candidate and window, at the best times."""
    done: Done
    span: Sequence[Interval]
    """The intervals that were run: of those asked for the first ones, where it was stopped."""
    seconds: float


def run(
    context: Context,
    policies: Sequence[Policy],
    span: Sequence[Interval],
    *,
    backend: Backend,
    jobs: int,
    progress: Progress,
) -> Trial:
    """Run the policies over the span. Nothing is written but a folder of rows for other processes, gone afterwards.

    Raises DataError where no interval could be scored for all of them, and what a cycle raises.
    """
    begun = time.perf_counter()
    pipelines = [policy.pipeline for policy in policies]
    with progress("read", None) as advance:
        history = past.read(context, span, pipelines, advance)
    context.close()
    count = len(fanout.groups(pipelines))
    jobs = min(jobs, count)
    label = f"try {counted(len(policies), 'policy', 'policies')}"
    if backend == "sequential" or (backend == "loky" and jobs == 1):
        with progress(label, len(span)) as advance:
            tried = fanout.here(pipelines, history, span, lambda interval: advance(format_time(interval.start)))
    else:
        with tempfile.TemporaryDirectory(prefix="heliotrope") as folder, progress(label, count * len(span)) as advance:
            tried = fanout.spread(
                pipelines, history, span, backend=backend, jobs=jobs, folder=Path(folder), advance=advance
            )
    verdict = judge(policies, tried.runs, lower_is_better=context.pipeline.lower_is_better)
    if verdict is None:
        raise DataError(
            f"of the {counted(tried.intervals, 'interval')} that were run, none was scored for all policies",
            remedy="name a longer range, or see with `heliotrope replay` what is held",
        )
    return Trial(
        verdict=verdict,
        oracle=_oracle(tried, verdict, lower_is_better=context.pipeline.lower_is_better),
        done=tried.done,
        span=span[: tried.intervals],
        seconds=time.perf_counter() - begun,
    )


def _oracle(tried: fanout.Outcome, verdict: Verdict, *, lower_is_better: bool) -> NDArray[np.float64]:
    most = max(1, *(run.trainings for run in tried.runs))
    found = [one.means(most, verdict.kept, lower_is_better=lower_is_better) for one in tried.scores]
    return np.asarray(np.min(found, axis=0) if lower_is_better else np.max(found, axis=0))
