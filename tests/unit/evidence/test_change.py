"""One change is reported once."""

from __future__ import annotations

import json

import numpy as np

from heliotrope.evidence.calibration import calibrate, from_history
from heliotrope.evidence.change import Era
from heliotrope.evidence.histogram import kolmogorov_smirnov

BINS = 16
PLAIN = np.full(BINS, 1 / BINS)
TILTED = PLAIN * np.linspace(0.5, 1.5, BINS)


def test_a_lasting_change_is_reported_once() -> None:
    reported = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        past = random.multinomial(900, PLAIN, size=(200, 1)).astype(float)
        thresholds = {
            length: calibrate(from_history(past, kolmogorov_smirnov, reference=length), one_in=2_000)
            for length in (1, 2, 3)
        }
        stream = np.concatenate([random.multinomial(900, shares, size=(30, 1)) for shares in (PLAIN, TILTED)]).astype(
            float
        )
        era = Era(first=0)
        for interval in range(1, len(stream)):
            first, last = era.reference(interval, longest=3)
            distance = kolmogorov_smirnov(stream[first:last].sum(axis=0), stream[interval])
            era = era.after(interval, drifted=bool(thresholds[last - first].exceeded(distance).any()))
        reported.append(era.changes)
    assert np.mean(np.array(reported) == 1) >= 0.95


def test_it_survives_json() -> None:
    era = Era(first=3).after(9, drifted=True)
    assert era.after(10, drifted=False) == era
    assert Era.parse(json.loads(json.dumps(era.plain()))) == era
