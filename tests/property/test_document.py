"""Whatever a file holds, reading it gives a pipeline or a ConfigError."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliotrope import config
from heliotrope.config.document import read_text
from heliotrope.errors import ConfigError

SIGNS = [
    *("\n", " ", "  ", "\t", "- ", ": ", "? ", "[", "]", "{", "}", ",", "&a", "*a", "|", ">", "'", '"', "#", "%", "@"),
    *("!!int ", "!!float ", "!!set ", "!!omap ", "!!binary ", "!!timestamp ", "!x ", "<<", "=", "---", "...", "~"),
    *("name", "source", "features", "0x", "1", "9" * 30, ".nan", ".inf", "1e999", "2026-01-01", "2026-99-99", "no"),
    *("\\ud800", "\ufeff", "\x85", "a: ", "\nb: ", "\n  c: "),
]
TEXTS = st.lists(st.sampled_from(SIGNS) | st.text(max_size=3), max_size=30).map("".join)


def refusal(read: Callable[[], Any]) -> str:
    """What reading is refused with; empty when it is not."""
    try:
        read()
    except ConfigError as error:
        return str(error)
    return ""


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_a_text_is_a_mapping_or_refused(text: str) -> None:
    said = refusal(lambda: read_text(text, "x.yaml"))
    if said:
        assert said.startswith("x.yaml:")
        return
    document = read_text(text, "x.yaml")
    assert refusal(lambda: config.parse(document.data, where="x.yaml")).startswith("x.yaml: ")
    assert document.where(("source", "table", 0, "x")).startswith("x.yaml")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_by_the_file_s_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    assert refusal(lambda: config.load(path)).startswith(f"{path}:")
