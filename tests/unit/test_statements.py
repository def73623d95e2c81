"""Statements whose rows are read by one function have the same columns."""

from __future__ import annotations

from heliotrope.sql import statement


def columns(name: str) -> str:
    """What the statement selects, up to its own FROM at the begin of a line."""
    return str(statement(name)).split("\nFROM ")[0].split("SELECT", 1)[1]


def test_a_page_of_champions_has_the_columns_of_champions() -> None:
    assert columns("champion_page") == columns("champions")
