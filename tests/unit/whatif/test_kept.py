"""What a whatif came to is kept for the pages, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heliotrope.errors import ConfigError
from heliotrope.whatif.kept import keep, kept

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "pipeline": "clicks",
    "start": NOW,
    "policies": [{"mean": 0.9, "standard_error": float("nan"), "scores": [0.1] * 1000, "window": "sliding 3"}],
    "hindsight": [0.9],
    "files": [Path("/somewhere")],
}


def test_what_is_kept_comes_back_without_each_intervals_scores(tmp_path: Path) -> None:
    keep(tmp_path, DOCUMENT, at=NOW)
    found = kept(tmp_path, "clicks")
    assert found is not None
    assert found["start"] == "2026-11-24T00:00Z"
    assert found["written_at"] == "2026-11-24T00:00Z"
    assert found["policies"] == [{"mean": 0.9, "standard_error": None, "window": "sliding 3"}]
    assert "/somewhere" not in json.dumps(found)
    assert kept(tmp_path, "other") is None
    keep(tmp_path, {**DOCUMENT, "hindsight": []}, at=NOW)
    assert (kept(tmp_path, "clicks") or {})["hindsight"] == []
    assert [file.name for file in (tmp_path / "whatif").iterdir()] == ["clicks.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"pipeline": "other", "policies": [], "hindsight": []}'])
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "whatif").mkdir()
    (tmp_path / "whatif" / "clicks.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"clicks\.json"):
        kept(tmp_path, "clicks")


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        keep(tmp_path, {"pipeline": "clicks"}, at=NOW)
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        keep(tmp_path, {**DOCUMENT, "circle": circle}, at=NOW)
    assert list((tmp_path / "whatif").iterdir()) == []
