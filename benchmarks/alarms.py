"""How often does a calibrated trigger raise a false alarm, and does it find what hurts?

Whole pipelines on 24 streams of 200 hours in which nothing drifts, of 60, 300 and 900 rows an hour, under the promise
of one false alarm in 100 intervals; and on as many streams with jumps at three known hours, of which each should be
found within three hours and told once.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import numpy as np

from bench import Board
from heliotrope import streams
from heliotrope.interval import Interval
from prequential import ours
from prequential.course import Course

HOURS, STREAMS, ONE_IN = 200, 8, 100.0
JUMPS = (50, 100, 150)
SOON = 3  # intervals within which a jump is to be found
START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = {
    "candidates": [
        {
            "name": "linear",
            "estimator": "heliotrope.candidates.VaryingCoefficientClassifier",
            "params": {"degree": 0},
            "window": {"kind": "drift_cut"},
        }
    ],
    "trigger": {"kind": "drift"},
    "drift": {"false_alarms": {"one_in": ONE_IN}, "detectors": [{"kind": "kolmogorov_smirnov"}]},
}


def course(stream: str, rows: int, seed: int, points: tuple[int, ...] = ()) -> Course:
    """A stream of two classes with so many rows an hour."""
    options = {"points": list(points)} if points else {}
    made = streams.make(stream, rows=rows, seed=seed, **options)
    *features, _ = made.columns[1:]
    batches = []
    for hour in range(HOURS):
        span = Interval(START + hour * timedelta(hours=1), START + (hour + 1) * timedelta(hours=1))
        batches.append((span, made.batch(span).rename_columns(["time", *features, "class"])))
    return Course(
        name=f"{stream}-{rows}-{seed}",
        title=stream,
        step="1h",
        batches=tuple(batches),
        features=dict.fromkeys(features, "numeric"),
    )


def main() -> int:
    """Print the table; the exit code."""
    board = Board("false alarms and jumps found, whole pipelines")
    for rows in (60, 300, 900):
        told = [len(ours.alarms(course("stationary", rows, seed), POLICY)) for seed in range(STREAMS)]
        rate = sum(told) / (STREAMS * (HOURS - 1)) * ONE_IN
        board.at_most(f"{rows} rows an hour: alarms in {ONE_IN:.0f} intervals, 1 promised", rate, 1.0, form="{:.2f}")
    for rows in (60, 300, 900):
        found, extra, late = 0, 0, []
        for seed in range(STREAMS):
            places = ours.alarms(course("abrupt", rows, seed, JUMPS), POLICY)
            for jump in JUMPS:
                after = [place - jump for place in places if 0 <= place - jump < SOON]
                found += bool(after)
                late += after[:1]
            extra += sum(all(not 0 <= place - jump < SOON for jump in JUMPS) for place in places)
        board.note(
            f"{rows} rows an hour: {found} of {STREAMS * len(JUMPS)} jumps found within {SOON} intervals,"
            f" {np.mean(late) if late else float('nan'):.1f} late in the mean, {extra} other alarms"
        )
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
