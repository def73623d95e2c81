"""Names of classes as a picture has room for them."""

from __future__ import annotations

import pytest

from heliotrope.report.names import MOST_CLASSES, shortened

HOSTILE = ["<script>alert(1)</script>", '"', "a\nb", "\u202eevil", "👩\u200d🔬", "", " ", "$x^2$", "x" * 500, "y" * 500]


def test_names_are_short_and_told_apart() -> None:
    found = shortened([*HOSTILE, *(f"{'x' * 30}{at}{'y' * 30}" for at in range(5))])
    assert len(set(found)) == len(found)
    assert max(map(len, found)) <= 24
    assert all(name.isprintable() and name.strip() for name in found)


@pytest.mark.parametrize("name", ["👩\u200d🔬", "", "\u2028\u2029"])
def test_what_cannot_be_drawn_goes_by_its_number(name: str) -> None:
    assert shortened(["a", name]) == ("a", "no. 2")


def test_no_more_are_named_than_there_are_looks() -> None:
    assert len(shortened([str(at) for at in range(100)])) == MOST_CLASSES
    assert shortened([]) == ()
