"""The YAML that init writes: right for any names, and saying why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from heliotrope.candidates.estimator import make
from heliotrope.cli.draft import draft, name_from
from heliotrope.config import FileDataset, Pipeline, parse
from heliotrope.interval import parse_time
from heliotrope.profile import ColumnProfile, Profile, Step


def column(name: str, kind: str = "float8", *, nulls: int = 0, distinct: int = 50) -> ColumnProfile:
    return ColumnProfile(name=name, type=kind, values=100 - nulls, nulls=nulls, distinct=distinct, constant=False)


def profile(
    *features: ColumnProfile,
    table: str = "events",
    path: str | None = None,
    target: str = "class",
    classes: Mapping[str, int] | None = None,
    left_out: Mapping[str, str] | None = None,
    time_type: str = "timestamptz",
    rows: int = 1000,
    step: timedelta = timedelta(hours=1),
) -> Profile:
    classes = {"a": 40, "b": 30} if classes is None else classes
    return Profile(
        table=table,
        path=path,
        rows=24 * rows,
        first=parse_time("2026-01-01"),
        last=parse_time("2026-01-02"),
        time=column("at", time_type),
        features=features or (column("x"),),
        left_out=left_out or {},
        target=column(target, "text" if classes else "float8", distinct=3),
        target_guessed=True,
        classes=classes,
        step=Step(length=step, rows=rows, intervals=24, reason="as asked for"),
    )


def read(text: str) -> Pipeline:
    return parse(yaml.safe_load(text))


@pytest.mark.parametrize(("task", "classes"), [("classification", None), ("regression", {})])
@pytest.mark.parametrize("features", [(column("x"),), (column("x"), column("a", "text")), (column("x", nulls=3),)])
def test_the_draft_is_a_pipeline_whose_estimators_are_there(
    task: str, classes: dict[str, int] | None, features: tuple[ColumnProfile, ...]
) -> None:
    pipeline = read(draft(profile(*features, classes=classes), "p"))
    assert pipeline.task == task
    for candidate in pipeline.candidates:
        make(candidate, seed=0)


def test_kinds_are_those_of_the_types() -> None:
    features = [column(kind, kind) for kind in ("float8", "int4", "bool", "numeric", "text", "enum", "varchar")]
    assert read(draft(profile(*features), "p")).features == {
        **dict.fromkeys(("float8", "int4", "bool", "numeric"), "numeric"),
        **dict.fromkeys(("text", "enum", "varchar"), "categorical"),
    }


def test_a_whole_number_that_is_named_like_an_id_is_a_category() -> None:
    features = [column("shop_id", "int4"), column("count", "int4"), column("size_id", "float8")]
    text = draft(profile(*features), "p")
    assert read(text).features == {"shop_id": "categorical", "count": "numeric", "size_id": "numeric"}
    assert "  shop_id: categorical  # int4, 50 values, named like an id" in text


def test_a_column_that_lacks_as_many_values_as_the_target_is_pointed_at() -> None:
    found = profile(column("x", nulls=3), column("z", nulls=4))
    text = draft(replace(found, target=column("class", "text", nulls=3, distinct=2)), "p")
    assert "  x: numeric  # float8, 50 values, 3 null, as many as the target: known only with it?\n" in text
    assert "  z: numeric  # float8, 50 values, 4 null\n" in text


def test_a_linear_model_and_a_blend_compete() -> None:
    def blend(*features: ColumnProfile, **asked: Any) -> Any:
        first, second = read(draft(profile(*features, **asked), "p")).candidates
        assert (first.name, second.name) == ("logistic" if asked.get("classes", True) else "ridge", "blend")
        return second

    assert blend(column("x")).estimator.endswith(".BlendClassifier")
    assert blend(column("x"), classes={}).estimator.endswith(".BlendRegressor")
    assert [blend(column("x", nulls=count)).encode for count in (0, 1)] == ["auto", "tabular"]
    assert [blend(column("x"), classes={"a": 9, "b": count}).params for count in (1, 9)] == [{"loss": "log"}, {}]


@pytest.mark.parametrize(
    ("asked", "windows"),
    [
        ({}, (3, 12)),
        ({"step": timedelta(days=1)}, (7, 12)),
        ({"step": timedelta(weeks=1)}, (4, 12)),
        ({"rows": 20}, (12, 12)),
        ({"rows": 50_000}, (3, 4)),
    ],
)
def test_windows_are_usual_ones_within_the_history_and_the_rows_that_help(
    asked: dict[str, Any], windows: tuple[int, ...]
) -> None:
    found = read(draft(profile(**asked), "p")).candidates
    assert tuple(one.window.model_dump()["intervals"] for one in found) == windows


def test_the_metric_and_the_classes_are_those_of_the_target() -> None:
    even = read(draft(profile(classes={"no": 5, "1": 4}), "p"))
    assert (even.metric, even.classes) == ("accuracy", ("1", "no"))
    text = draft(profile(classes={"no": 970, "yes": 30}), "p")
    assert read(text).metric == "log_loss"
    assert 'metric: log_loss  # 97.0% are "no"' in text
    assert read(draft(profile(classes={str(one): 1 for one in range(30)}), "p")).classes is None
    number = read(draft(profile(classes={}), "p"))
    assert (number.task, number.metric, number.classes) == ("regression", "mae", None)


def test_few_rows_are_enough_where_no_interval_has_more() -> None:
    assert read(draft(profile(rows=20), "p")).validation.min_rows == 5
    assert "validation" not in draft(profile(), "p")


def test_a_file_is_loaded_from_where_it_is() -> None:
    text = draft(profile(path="data/a b.csv"), "p")
    assert "#   heliotrope load p.yaml" in text
    assert read(text).dataset == FileDataset(path="data/a b.csv")
    assert read(draft(profile(), "p")).dataset is None


def test_nulls_are_allowed_where_there_are_some() -> None:
    assert read(draft(profile(column("x", nulls=1)), "p")).validation.on_null == "allow"
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
