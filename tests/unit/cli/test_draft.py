"""The YAML that init writes: right for any names, and saying why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
import yaml

from heliotrope.candidates.estimator import make
from heliotrope.cli.draft import draft, name_from
from heliotrope.config import Pipeline, parse
from heliotrope.interval import parse_time
from heliotrope.profile import ColumnProfile, Profile


def column(name: str, kind: str = "float8", *, nulls: int = 0, distinct: int = 50) -> ColumnProfile:
    return ColumnProfile(name=name, type=kind, values=100 - nulls, nulls=nulls, distinct=distinct, constant=False)


def profile(
    *features: ColumnProfile,
    table: str = "events",
    target: str = "class",
    task: str = "classification",
    left_out: Mapping[str, str] | None = None,
    time_type: str = "timestamptz",
) -> Profile:
    return Profile(
        table=table,
        rows=1000,
        first=parse_time("2026-01-01"),
        last=parse_time("2026-01-02"),
        time=column("at", time_type),
        features=features or (column("x"),),
        left_out=left_out or {},
        target=column(target, "text" if task == "classification" else "float8", distinct=3),
        target_guessed=True,
        task=task,
        interval=timedelta(hours=1),
    )


def read(text: str) -> Pipeline:
    return parse(yaml.safe_load(text))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("features", [(column("x"),), (column("x"), column("a", "text")), (column("x", nulls=3),)])
def test_the_draft_is_a_pipeline_whose_estimators_are_there(task: str, features: tuple[ColumnProfile, ...]) -> None:
    pipeline = read(draft(profile(*features, task=task), "p"))
    assert pipeline.task == task
    for candidate in pipeline.candidates:
        make(candidate, seed=0)


def test_kinds_are_those_of_the_types() -> None:
    features = [column(kind, kind) for kind in ("float8", "int4", "bool", "numeric", "text", "enum", "varchar")]
    assert read(draft(profile(*features), "p")).features == {
        **dict.fromkeys(("float8", "int4", "bool", "numeric"), "numeric"),
        **dict.fromkeys(("text", "enum", "varchar"), "categorical"),
    }


def test_a_candidate_follows_time_only_where_it_can() -> None:
    assert [one.name for one in read(draft(profile(column("x")), "p")).candidates] == ["logistic", "boosting", "trend"]
    assert "trend" not in draft(profile(column("x"), column("a", "text")), "p")
    assert "trend" not in draft(profile(column("x", nulls=1)), "p")


def test_nulls_are_allowed_where_there_are_some() -> None:
    with_nulls = read(draft(profile(column("x", nulls=1)), "p"))
    assert with_nulls.validation.on_null == "allow"
    assert {one.encode for one in with_nulls.candidates} == {"tabular"}
    assert read(draft(profile(column("x")), "p")).validation.on_null == "drop"


def test_what_is_guessed_or_left_out_is_said() -> None:
    text = draft(profile(left_out={"id": "an id: every row has its own", "값\n": "of type a\nb"}), "p")
    assert "target: class  # a guess, by its name and values; --target names another" in text
    assert "#   id: an id: every row has its own" in text
    assert '#   "값\\n": of type a b' in text


def test_a_time_without_a_zone_is_said_to_need_one() -> None:
    assert "time_zone: UTC  # the column is a timestamp without a zone" in draft(profile(time_type="timestamp"), "p")
    assert "time_zone" not in draft(profile(), "p")


@pytest.mark.parametrize(
    "name",
    ["yes", "null", "1", "a b", "a: b", "# no", '"', "'", "a\nb", "a\tb", "값", "😀", "\x7f", "\x85", "{x}", "", "-"],
)
def test_any_column_name_is_read_back(name: str) -> None:
    other = f"{name}!"
    table = f'"{name}"'
    pipeline = read(draft(profile(column(other), column("x"), table=table, target=name or "t"), "p"))
    assert list(pipeline.features) == [other, "x"]
    assert pipeline.target == (name or "t")
    assert pipeline.source.table == table


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("events", "events"),
        ("continuous_training", "continuous_training"),
        ("sales.events", "events"),
        ('"a.b"', "a.b"),
        ('sales."My Events"', "My-Events"),
        ('"사건"', "pipeline"),
        ("x" * 63, "x" * 63),
    ],
)
def test_a_name_is_made_of_the_table_s(table: str, name: str) -> None:
    assert name_from(table) == name
    assert read(draft(profile(table=table), name_from(table))).name == name
