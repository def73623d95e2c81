"""The policies of a whatif as a picture."""

from __future__ import annotations

import pytest

from heliotrope.web.pages.whatif import Policy, frontier


def _policy(place: int, trainings: int, mean: float, *, on_frontier: bool = True) -> Policy:
    return Policy(
        place=place,
        name=f"every {trainings}",
        mean=mean,
        standard_error=0.01,
        trainings=trainings,
        fit_seconds=0.5,
        promoted=1,
        refreshed=0,
        on_frontier=on_frontier,
        running=place == 0,
        recommended=place == 1,
    )


POLICIES = [_policy(0, 8, 0.9), _policy(1, 4, 0.8), _policy(2, 2, 0.5), _policy(3, 6, 0.6, on_frontier=False)]


def test_the_frontier_is_steps_across_and_then_up() -> None:
    drawn = frontier(POLICIES)
    assert len(drawn.lines) == 4, "two from each policy of the frontier to the next"
    for across, up in zip(drawn.lines[::2], drawn.lines[1::2], strict=True):
        assert across[1] == across[3], "so many more trainings give no better mean"
        assert up[0] == up[2], "until there is a policy that has them"
        assert across[2:] == up[:2]
    assert [line[0] for line in drawn.lines[::2]] == [26.0, 50.0]


def test_hindsight_is_a_line_over_the_trainings_that_policies_have() -> None:
    drawn = frontier(POLICIES, [0.3, 0.7, None, 0.85, 0.9, 0.92, 0.93, 0.95, 0.99])
    assert [(line[0], line[2]) for line in drawn.hindsight] == [
        (26.0, 50.0),
        (50.0, 62.0),
        (62.0, 74.0),
        (74.0, 86.0),
        (86.0, 98.0),
    ]
    heights = [line[1] for line in drawn.hindsight] + [drawn.hindsight[-1][3]]
    assert heights == sorted(heights, reverse=True), "it rises, and 0 is at the top"
    assert min(heights) > 0, "all of it is in the picture"
    assert min(heights) < drawn.running.y


@pytest.mark.parametrize("hindsight", [[], [None, None], [0.9]])
def test_without_hindsight_there_is_no_line_of_it(hindsight: list[float | None]) -> None:
    assert frontier(POLICIES, hindsight).hindsight == ()


def test_a_long_hindsight_is_thinned() -> None:
    many = [_policy(0, 5000, 0.9), _policy(1, 1, 0.5)]
    assert len(frontier(many, [one / 5000 for one in range(5000)]).hindsight) <= 200
