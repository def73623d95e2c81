"""What is printed: readable at 80 columns and in a pipe, nothing in it taken for markup, JSON that is JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from heliotrope.cli.output import Output, _Lines, number, printable
from heliotrope.interval import Interval

NASTY = ["[red]x[/red]", ":smile:", '"; DROP TABLE t; --', "값", "a\x1b[2Jb", "[/]", "\\[b]"]


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_a_table_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Output(False).table(["[bold]", "n"], [(name, "1") for name in NASTY], right=["n"], title="[i]")
    out = capsys.readouterr().out
    for name in NASTY:
        assert printable(name) in out
    assert "[bold]" in out
    assert out.startswith("[i]\n")
    assert "\x1b" not in out


def test_a_line_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for name in NASTY:
        Output(False).say(name)
    assert capsys.readouterr().out.splitlines() == [printable(name) for name in NASTY]


def test_a_long_line_is_left_to_the_reader_to_break(capsys: pytest.CaptureFixture[str]) -> None:
    Output(False).say("word " * 60 + "end")
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_wide_table_fits_80_columns_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "abcdefghij" * 12
    Output(False).table(["time", "name", "value"], [("2026-11-24T05:00Z", long, "0.9688")], right=["value"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "2026-11-24T05:00Z" in lines[2]
    assert "0.9688" in lines[2]
    assert sum(line.count("abcdefghij") for line in lines) + 2 >= 12
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("columns", [20, 40])
def test_where_there_is_no_room_for_a_table_each_row_is_lines_and_nothing_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    headers = ["interval", "champion", "accuracy", "drift", "decision", ""]
    rows = [
        ("2026-11-24T05:00Z", "extrapolated", "0.9688", "2 of 4", "promote extrapolated", "drift"),
        ("... 24 more", "", "", "", "", ""),
        ("turning\n2026-11-24T06:00Z", "-", "-", "", "hold", ""),
    ]
    Output(False).table(headers, rows, right=["accuracy"], title="turning")
    assert capsys.readouterr().out.splitlines() == [
        "turning",
        "2026-11-24T05:00Z",
        "  champion: extrapolated",
        "  accuracy: 0.9688",
        "  drift: 2 of 4",
        "  decision: promote extrapolated",
        "  drift",
        "... 24 more",
        "turning 2026-11-24T06:00Z",
        "  champion: -",
        "  accuracy: -",
        "  decision: hold",
    ]


def test_a_narrow_table_stays_one_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    Output(False).table(["id", "score"], [("1", "0.9688")], right=["score"])
    assert capsys.readouterr().out.splitlines()[-1].split() == ["1", "0.9688"]


def test_with_json_only_the_document_reaches_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(True)
    output.say("text")
    output.table(["a"], [("b",)])
    with output.progress("load", 1) as advance:
        advance("done")
    output.document({"값": "[red]"})
    ended = capsys.readouterr()
    assert json.loads(ended.out) == {"값": "[red]"}
    assert ended.err == ""


def test_without_json_the_document_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Output(False).document({"a": 1})
    assert capsys.readouterr() == ("", "")


def test_a_document_has_times_in_utc_and_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=timezone(timedelta(hours=2)))
    Output(True).document(
        {
            "time": noon,
            "interval": Interval(noon, noon + timedelta(hours=1)),
            "numbers": (float("nan"), float("inf"), 1.5, 2, None, True),
            "nested": {"path": Path("a") / "b", 3: frozenset({"x"})},
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "time": "2026-11-24T10:00Z",
        "interval": {"start": "2026-11-24T10:00Z", "end": "2026-11-24T11:00Z"},
        "numbers": [None, None, 1.5, 2, None, True],
        "nested": {"path": str(Path("a") / "b"), "3": ["x"]},
    }


def test_a_document_is_ascii_where_the_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", stream)
    Output(True).document({"name": "값 😀"})
    stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    assert json.loads(raw.getvalue().decode("ascii")) == {"name": "값 😀"}


def test_a_warning_goes_to_stderr_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    Output(True).warn("late [rows]", "score them again")
    assert capsys.readouterr() == ("", "warning: late [rows]\nremedy: score them again\n")


def test_progress_without_a_terminal_is_at_most_a_line_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 0.1, 0.9, 1.2, 1.3, 1.4])
    lines = _Lines("replay [x]", 6, lambda: next(now))
    for hour in range(6):
        lines(f"{hour:02}:00")
    assert capsys.readouterr().err.splitlines() == [
        "replay [x] 1/6 00:00",
        "replay [x] 4/6 03:00",
        "replay [x] 6/6 05:00",
    ]


def test_progress_that_takes_long_says_how_long_is_left_roughly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = iter([110.0, 160.0, 1200.0])
    lines = _Lines("try 30 policies", 100, lambda: next(now))
    for hour in range(3):
        lines(f"{hour:02}:00")
    assert capsys.readouterr().err.splitlines() == [
        "try 30 policies 1/100 00:00",
        "try 30 policies 2/100 01:00, about 82 min left",
        "try 30 policies 3/100 02:00, about 14.7 h left",
    ]


def test_a_note_is_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Output(False).note("30 policies [x]")
    Output(True).note("nothing")
    assert capsys.readouterr() == ("", "30 policies [x]\n")


def test_progress_of_an_unknown_number_counts(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 0.1, 2.0])
    lines = _Lines("load", None, lambda: next(now))
    for _ in range(3):
        lines("")
    assert capsys.readouterr().err.splitlines() == ["load 1", "load 3"]


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Output(False).progress("replay [red]", 2) as advance:
        advance("00:00 [b]")
        advance("01:00")
    assert "replay [red]" in stream.getvalue()
    assert "2/2" in stream.getvalue()
    assert "left" in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (0.5, "0.5000"), (-1.0, "-1.0000"), (None, "-"), (float("nan"), "-"), (1e-9, "1e-09")],
)
def test_a_number_is_short(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_time_s_zone_is_always_utc(capsys: pytest.CaptureFixture[str]) -> None:
    Output(True).document({"time": datetime(2026, 1, 1, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out)["time"].endswith("Z")
