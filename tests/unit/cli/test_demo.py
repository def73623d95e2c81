"""The demo's pipeline is the repository's example, word for word."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from heliotrope.cli import demo
from heliotrope.config import load

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_packaged_example_is_the_one_in_examples() -> None:
    packaged = (files("heliotrope") / "examples" / demo.EXAMPLE).read_bytes()
    assert packaged == (EXAMPLES / demo.EXAMPLE).read_bytes()


def test_hours_change_the_data_set_and_nothing_that_decides() -> None:
    short, example = demo._pipeline(5), load(EXAMPLES / demo.EXAMPLE)
    start, end = demo._range(short)
    assert (end - start) / short.interval == 5
    assert short.fingerprint() == example.fingerprint()


def test_the_example_that_is_kept_has_the_hours_asked_for(tmp_path: Path) -> None:
    file = demo._keep_example(tmp_path / "new", 48)
    assert file.read_bytes() == (EXAMPLES / demo.EXAMPLE).read_bytes()
    assert load(demo._keep_example(tmp_path / "new", 7)) == demo._pipeline(7)
    assert "# What `load` writes: 7 hours" in file.read_text()
    demo._keep_example(tmp_path / "new", 48)
    assert file.read_bytes() == (EXAMPLES / demo.EXAMPLE).read_bytes()


@pytest.mark.parametrize("content", [b"mine", b"\xff", b""])
def test_an_example_that_was_edited_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / demo.EXAMPLE).write_bytes(content)
    assert demo._keep_example(tmp_path, 48).read_bytes() == content


@pytest.mark.parametrize("hours", ["1", "0", "-3", "x"])
def test_hours_must_be_two_or_more(hours: str, call: Callable[..., Any]) -> None:
    assert call("demo", f"--hours={hours}").code == 2


def test_a_folder_that_cannot_be_written_is_named(call: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = call("demo", "--folder", "file/x")
    assert ended.code == 2
    assert "name another folder with --folder" in ended.err
