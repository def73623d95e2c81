"""What two declarations differ in, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

import world
from heliotrope.declaration import changes

BEFORE = world.pipeline().model_dump(mode="json")


@pytest.mark.parametrize(
    ("change", "said", "of_data"),
    [
        ({"source": {"table": "b", "time": "time"}}, "source.table 'continuous_training', now 'b'", True),
        ({"source": world.PIPELINE["source"] | {"time_zone": "Europe/Berlin"}}, "source.time_zone 'UTC', now", True),
        ({"classes": ["A", "B"]}, "classes None, now ['A', 'B']", True),
        ({"features": ["y", "z"]}, "features: 'z' added, 'x' removed", True),
        ({"features": {"x": "categorical", "y": "auto"}}, "features: 'x' auto, now categorical", True),
        ({"validation": {"on_null": "allow"}}, "validation.on_null 'drop', now 'allow'", False),
        ({"trigger": {"kind": "amount", "rows": 9}}, "trigger {'kind': 'schedule'", False),
        ({"candidates": world.PIPELINE["candidates"][::-1]}, "candidates: in another order", False),
        ({"candidates": world.PIPELINE["candidates"][:1]}, "candidates: 'tree' removed", False),
        (
            {
                "candidates": [
                    world.PIPELINE["candidates"][0] | {"params": {"degree": 1}},
                    world.PIPELINE["candidates"][1],
                ]
            },
            "candidates: 'extrapolated' changed",
            False,
        ),
    ],
)
def test_a_change_is_said_in_a_few_words(change: dict[str, Any], said: str, of_data: bool) -> None:
    (found,) = changes(BEFORE, world.pipeline(**change).model_dump(mode="json"))
    assert found.text.startswith(said)
    assert found.of_data is of_data


def test_another_order_of_the_features_is_no_change() -> None:
    assert changes(BEFORE, world.pipeline(features=["y", "x"]).model_dump(mode="json")) == ()


def test_a_key_that_one_of_them_lacks_is_no_change() -> None:
    assert changes({"seed": 0}, BEFORE) == ()
    assert changes(BEFORE, {"seed": 0}) == ()


def test_a_long_value_is_shortened() -> None:
    (found,) = changes({"classes": ["x" * 100]}, {"classes": None})
    assert found.text == f"classes ['{'x' * 58} ..., now None"
