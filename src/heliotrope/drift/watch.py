"""Has the stream changed? A batch against the intervals since the last change, at a promised rate of false alarms.

The threshold is what batches of the history differ by from the intervals before them, at this length of reference and
this number of rows (:mod:`heliotrope.evidence.calibration`). Pairs on both sides of a change are not among them. An
alarm ends an era, and one that was false would take the largest values out of the history, the threshold would sink,
and more false alarms follow. So an alarm after which most batches are again like those before it counts as chance,
and the two eras as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from heliotrope.evidence.calibration import Calibration, calibrate, from_history, permuted
from heliotrope.records import DriftReport, FeatureDrift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.evidence.histogram import Distance

    Floats = NDArray[np.float64]
    Eras = NDArray[np.intp]

__all__ = ["KIND", "compare", "settled"]

KIND = "false_alarms"
"""The detector's name in reports."""
_FEWEST = 30
"""Of fewer intervals, or pairs of them, no threshold is found."""
_USUAL = 20.0
"""Once in so many a batch is this far from those before it: the mark by which an alarm is found to be chance."""
_AFTER = 2
"""So many batches after an alarm tell whether it was."""


def compare(
    history: Floats,
    eras: Eras,
    current: Floats,
    distance: Distance,
    *,
    names: Sequence[str],
    longest: int,
    one_in: float,
    seed: int,
) -> DriftReport | None:
    """The batch's counts, shape (features, bins), against the last era of ``history``, (intervals, features, bins).

    ``eras`` numbers the intervals' eras, oldest first. None where the last one is empty.
    """
    if not len(history):
        return None
    eras = settled(history, eras, distance, longest=longest)
    whole, statistics, thresholds = _compared(history, eras, eras[-1], current, distance, longest, one_in, seed)
    drifted = statistics > thresholds
    young = int((eras == eras[-1]).sum())
    if drifted.any() and young <= _AFTER and young < len(eras):
        # Where the batch that raised the last alarm was odd by chance, one as those before it is no change.
        _, before, usual = _compared(history, eras, eras[-young - 1], current, distance, longest, one_in, seed)
        drifted &= bool((before > usual).any())
    return DriftReport(
        detector=KIND,
        reference_rows=int(whole[0].sum()),
        current_rows=int(current[0].sum()),
        features=tuple(
            FeatureDrift(
                feature=name,
                statistic=float(statistic),
                p_value=None,
                threshold=float(threshold),
                drifted=bool(far),
            )
            for name, statistic, threshold, far in zip(names, statistics, thresholds, drifted, strict=True)
        ),
    )


def _compared(
    history: Floats,
    eras: Eras,
    era: int,
    current: Floats,
    distance: Distance,
    longest: int,
    one_in: float,
    seed: int,
) -> tuple[Floats, Floats, Floats]:
    """The counts of the newest intervals of an era, how far the batch is from them, and the thresholds."""
    reference = history[eras == era][-longest:]
    whole = reference.sum(axis=0)
    if len(history) < _FEWEST:
        null = permuted(whole, current, distance, draws=1_000, seed=seed)
    else:
        null = _null(history, eras, distance, len(reference), rows=current.sum(axis=-1), seed=seed)
    return whole, distance(whole, current), calibrate(null, one_in=one_in).thresholds


def settled(history: Floats, eras: Eras, distance: Distance, *, longest: int) -> Eras:
    """The eras, with those taken together that a chance alarm had parted."""
    starts = np.flatnonzero(np.diff(eras)) + 1
    if not len(starts):
        return eras
    merged = eras.copy()
    usual: dict[int, Calibration] = {}
    bounds = [0, *starts.tolist(), len(eras)]
    for before, start, end in zip(bounds[:-2], bounds[1:-1], bounds[2:], strict=True):
        reference = history[max(before, start - longest) : start]
        after = history[start + 1 : min(end, start + longest)]  # the first one raised the alarm
        if len(history) < _FEWEST or len(after) < _AFTER:
            continue
        length = len(reference)
        if length not in usual:
            usual[length] = calibrate(_null(history, eras, distance, length), one_in=_USUAL)
        far = usual[length].exceeded(distance(reference.sum(axis=0), after)).any(axis=-1)
        if far.mean() < 0.5:
            merged[start:end] = merged[start - 1]
    return merged


def _null(
    history: Floats, eras: Eras, distance: Distance, reference: int, *, rows: Floats | None = None, seed: int = 0
) -> Floats:
    """The statistic of pairs within the eras, shape (pairs, features); of all pairs where those are too few."""
    statistics = from_history(history, distance, reference=reference, rows=rows, seed=seed)
    within = eras[reference:] == eras[:-reference]
    return statistics[within] if within.sum() >= _FEWEST else statistics
