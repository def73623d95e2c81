"""Lettering: what cannot be drawn is escaped, what is too long is cut."""

from __future__ import annotations

import pytest

from heliotrope.report import fonts


@pytest.fixture
def latin_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a font for Hangul."""
    monkeypatch.setattr(fonts, "_signs", lambda: frozenset(range(32, 0x250)) | {0x2026})


def test_dejavu_comes_first_whatever_is_installed() -> None:
    assert fonts.families()[0] == "DejaVu Sans"


@pytest.mark.usefixtures("latin_only")
def test_a_name_no_font_knows_is_escaped_and_stays_distinct() -> None:
    assert fonts.legible("한국") == "\\ud55c\\uad6d"
    assert fonts.legible("한국") != fonts.legible("중국")


@pytest.mark.usefixtures("latin_only")
def test_an_escaped_name_is_cut_too() -> None:
    assert len(fonts.legible("한국" * 40, 20)) == 20


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\u202eb", "a\u200bb", "a\ud800b"])
def test_signs_that_are_no_print_are_escaped(text: str) -> None:
    assert fonts.legible(text).isprintable()
    assert "\\" in fonts.legible(text)


def test_what_can_be_drawn_is_left_alone() -> None:
    assert fonts.legible("naïve $x_1$ <b>") == "naïve $x_1$ <b>"


@pytest.mark.parametrize("width", [2, 3, 8, 9, 30])
def test_a_cut_name_is_as_long_as_there_is_room_and_keeps_both_ends(width: int) -> None:
    cut = fonts.plain("abcdefghijklmnopqrstuvwxyz0123456789", width)
    assert len(cut) == width
    assert cut[0] == "a"
    assert "…" in cut


def test_a_name_that_fits_is_not_cut() -> None:
    assert fonts.plain("tree", 4) == "tree"
