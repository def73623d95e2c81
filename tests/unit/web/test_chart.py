"""What the charts show of cycles that were added up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from heliotrope.ledger.overview import Band, Place, Stretch, stretch
from heliotrope.web import chart

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
OVER = Stretch(start=START, end=START + 10 * HOUR, width=HOUR)


def _place(at: int, *, cycles: int = 1, drifted: int = 0, score: float | None = 0.9) -> Place:
    start = START + at * HOUR
    return Place(
        place=at,
        start=start,
        end=start + HOUR,
        cycles=cycles,
        score=score,
        lowest=score,
        highest=score,
        rows=10,
        drifted=drifted,
        trained=cycles,
        promoted=0,
        refreshed=0,
        rolled_back=0,
        held=0,
    )


def test_a_line_ends_where_time_has_a_gap() -> None:
    bands = [Band(candidate="tree", start=START + 2 * HOUR, end=None, fits=3)]
    found = chart.lines([_place(0), _place(1), _place(5, score=None)], {"tree": {1: (0.8, 1)}}, bands, OVER, 0.97)
    assert found["champion"] == [0.9, 0.9, None, None]
    assert found["served"] == [None, None, None, "tree"]
    assert found["challengers"] == [{"name": "tree", "hue": 0, "scores": [None, 0.8, None, None]}]
    assert found["times"][1] - found["times"][0] == 3600
    json.dumps(found, allow_nan=False)


def test_strips_hold_what_happened_and_leave_out_what_never_did() -> None:
    found = chart.marks([_place(0, drifted=1), _place(1, drifted=1), _place(4, cycles=5, drifted=1)], OVER)
    assert [(one.kind, one.count, one.of) for one in found] == [("trained", 7, 7), ("drifted", 3, 7)]
    assert found[1].paths == ("", "M400 0h100v10H400z", "", "", "M0 0h200v10H0z")


def test_bands_lie_within_the_chart() -> None:
    bands = [
        Band(candidate="a", start=START - HOUR, end=START + 5 * HOUR, fits=2),
        Band(candidate="b", start=START + 5 * HOUR, end=None, fits=1),
    ]
    found = chart.blocks(bands, OVER, chart.hues(["a", "b"]))
    assert [(one.name, one.hue, one.left, one.width) for one in found] == [("a", 0, 0.0, 50.0), ("b", 1, 50.0, 50.0)]


def test_more_candidates_than_hues_share_the_last() -> None:
    found = chart.hues([str(n) for n in range(20)])
    assert set(found.values()) == set(range(7))


def test_a_stretch_is_of_whole_intervals_and_never_more_places_than_asked() -> None:
    for count in (1, 2, 239, 240, 241, 480, 10_000):
        over = stretch(START + timedelta(minutes=7), START + count * HOUR, HOUR, 240)
        assert over.start == START
        assert over.width % HOUR == timedelta()
        assert -((over.start - over.end) // over.width) <= 240
