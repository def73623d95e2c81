"""Whatever a table's columns are called, the YAML that init writes reads back as they are."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from heliotrope.cli.draft import draft, name_from
from heliotrope.config import parse
from heliotrope.config.document import read_text
from heliotrope.interval import parse_time
from heliotrope.profile import ColumnProfile, Profile, Step

# What PostgreSQL takes as a name: no NUL, no lone surrogate, at most 63 bytes.
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda name: len(name.encode()) <= 63
)


@given(st.lists(names, min_size=3, max_size=6, unique=True), names)
def test_names_come_back(columns: list[str], table: str) -> None:
    profiles = [
        ColumnProfile(name=name, type="float8", values=9, nulls=0, distinct=9, constant=False) for name in columns
    ]
    quoted = '"' + table.replace('"', '""') + '"'
    profile = Profile(
        table=quoted,
        rows=9,
        first=parse_time("2026-01-01"),
        last=parse_time("2026-01-02"),
        time=profiles[0],
        features=tuple(profiles[2:]),
        left_out={},
        target=profiles[1],
        target_guessed=False,
        classes={},
        step=Step(length=timedelta(days=1), rows=9, intervals=1, reason="as asked for"),
    )
    pipeline = parse(read_text(draft(profile, name_from(quoted)), "x.yaml").data)
    assert pipeline.source.table == quoted
    assert pipeline.source.time == columns[0]
    assert pipeline.target == columns[1]
    assert list(pipeline.features) == columns[2:]
