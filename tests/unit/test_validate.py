"""Every rule of validation with every decision it can have."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from heliotrope.config import Pipeline, parse
from heliotrope.content import content_hash
from heliotrope.errors import DataError, SchemaError, ValidationError
from heliotrope.interval import interval_at, parse_step, parse_time
from heliotrope.records import Batch, Problem, Verdict
from heliotrope.streams import make
from heliotrope.validate import infer_kinds, validate

HOUR = interval_at(parse_time("2026-11-24T05:00"), parse_step("1h"))
NAN, INF = float("nan"), float("inf")


def pipeline(*, rules: dict[str, Any] | None = None, **changes: Any) -> Pipeline:
    said = {
        "name": "p",
        "source": {"table": "events", "time": "at"},
        "interval": "1h",
        "features": {"x": "numeric", "origin": "categorical"},
        "target": "label",
        "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
        "validation": {"min_rows": 1, "max_dropped": 1.0, **(rules or {})},
    }
    return parse({**said, **changes})


def table(rows: int = 4, **columns: Any) -> pa.Table:
    """Rows with nothing wrong, but for the columns that are given."""
    whole = {
        "at": pa.array(
            [HOUR.start + timedelta(minutes=number) for number in range(rows)], pa.timestamp("us", tz="UTC")
        ),
        "x": [float(number) for number in range(rows)],
        "origin": ["EWR", "JFK"] * (rows // 2) + ["LGA"] * (rows % 2),
        "label": ["A", "B"] * (rows // 2) + ["A"] * (rows % 2),
    }
    return pa.table({**whole, **columns})


def check(
    of: pa.Table,
    rules: dict[str, Any] | None = None,
    *,
    against: Pipeline | None = None,
    known: Collection[str] | None = None,
) -> Batch:
    against = against or pipeline(rules=rules)
    kinds = infer_kinds(pa.schema(dict.fromkeys(against.features, pa.float64())), against)
    return validate(of, pipeline=against, kinds=kinds, interval=HOUR, known_classes=known)


# --- nothing wrong ---


def test_a_batch_with_nothing_wrong_is_handed_on_as_it_is() -> None:
    given = table()
    batch = check(given, known={"A", "B"})
    assert (batch.verdict, batch.problems, batch.rows_read, batch.rows) == (Verdict.OK, (), 4, 4)
    assert batch.table.equals(given)
    assert batch.interval == HOUR
    assert batch.content_hash == content_hash(given)
    assert (batch.first_time, batch.last_time) == (HOUR.start, HOUR.start + timedelta(minutes=3))


def test_columns_come_in_the_pipelines_order_and_no_others() -> None:
    given = table(extra=[1, 2, 3, 4]).select(["extra", "label", "origin", "at", "x"])
    batch = check(given)
    assert batch.table.column_names == ["at", "x", "origin", "label"]
    assert batch.content_hash == check(table()).content_hash


def test_types_become_those_of_a_batch() -> None:
    against = pipeline(features={"x": "numeric", "flag": "numeric", "origin": "categorical", "month": "categorical"})
    given = table(
        x=pa.array([1, 2, 3, 4], pa.int32()),
        flag=[True, False, True, False],
        origin=pa.array(["EWR"] * 4).dictionary_encode(),
        month=[1, 2, 3, 4],
        label=[0, 1, 0, 1],
    )
    batch = check(given, against=against, known=["0", "1"])
    assert batch.table.schema.types == [
        *[pa.timestamp("us", tz="UTC"), pa.float64(), pa.float64()],
        *[pa.string(), pa.string(), pa.string()],
    ]
    assert batch.table.column("flag").to_pylist() == [1.0, 0.0, 1.0, 0.0]
    assert batch.table.column("label").to_pylist() == ["0", "1", "0", "1"]
    assert batch.problems == ()


def test_a_target_of_regression_becomes_numbers() -> None:
    against = pipeline(task="regression")
    for values in ([1, 2, 3, 4], ["1", "2", "3", "4.0"], [1.0, 2.0, 3.0, 4.0]):
        assert check(table(label=values), against=against).table["label"].to_pylist() == [1.0, 2.0, 3.0, 4.0]


def test_times_without_a_zone_are_read_in_the_sources() -> None:
    against = pipeline(source={"table": "events", "time": "at", "time_zone": "Asia/Seoul"})
    local = pa.array([datetime.fromisoformat("2026-11-24T14:30")] * 4)
    assert check(table(at=local), against=against).first_time == parse_time("2026-11-24T05:30")


def test_chunks_do_not_matter() -> None:
    given = table()
    batch = check(pa.concat_tables([given.slice(0, 1), given.slice(1)]))
    assert batch.table.equals(given)
    assert batch.content_hash == content_hash(given)


# --- schema ---


def test_a_missing_column_fails_with_the_nearest_name() -> None:
    with pytest.raises(
        SchemaError,
        match=r"pipeline p, interval \[2026-11-24T05:00Z.*rule schema: column 'origin' is missing; .*'origins'",
    ):
        check(table().rename_columns(["at", "x", "origins", "label"]))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": ["1", "2", "3", "4"]}, "rule schema: column 'x' holds string, not numbers"),
        ({"origin": [[1]] * 4}, "column 'origin' holds list<.*>, not categories"),
        ({"label": [b"a"] * 4}, "column 'label' holds binary, not categories"),
        ({"at": ["2026"] * 4}, "column 'at' holds string, not times"),
    ],
)
def test_a_column_of_another_type_fails(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        check(table(**columns))


def test_a_target_that_is_not_a_number_fails_a_regression_by_value() -> None:
    with pytest.raises(SchemaError, match=r"column 'label'.*holds 'many', which is not a number"):
        check(table(label=["1", "2", "many", "3"]), against=pipeline(task="regression"))


def test_a_schema_that_does_not_fit_is_held_with_every_problem_and_no_rows() -> None:
    given = table(x=["a", "b", "c", "d"]).drop_columns(["label"])
    batch = check(given, rules={"on_schema": "hold"})
    assert batch.verdict is Verdict.HELD
    assert [(one.rule, one.column, one.rows, one.done) for one in batch.problems] == [
        ("schema", "x", 4, "hold"),
        ("schema", "label", 4, "hold"),
    ]
    assert (batch.rows_read, batch.rows) == (4, 0)
    assert batch.table.schema.equals(check(table()).table.schema)
    assert batch.content_hash == content_hash(given)
    assert batch.first_time == HOUR.start


def test_a_missing_time_is_held_too() -> None:
    batch = check(table().drop_columns(["at"]), rules={"on_schema": "hold"})
    assert (batch.verdict, batch.first_time) == (Verdict.HELD, None)


# --- time ---


@pytest.mark.parametrize("time", [HOUR.end, HOUR.start - timedelta(microseconds=1)])
def test_a_time_outside_of_the_interval_is_a_fault(time: datetime) -> None:
    with pytest.raises(DataError, match="was read for interval"):
        check(table(at=pa.array([HOUR.start, HOUR.start, HOUR.start, time], pa.timestamp("us", tz="UTC"))))


def test_a_row_without_a_time_is_a_fault() -> None:
    with pytest.raises(DataError, match="1 row has no 'at'"):
        check(table(at=pa.array([HOUR.start, HOUR.start, HOUR.start, None], pa.timestamp("us", tz="UTC"))))


# --- rules about rows ---


def test_an_empty_batch_is_held_or_fails() -> None:
    batch = check(table(0))
    assert batch.problems == (Problem(rule="empty", column=None, rows=0, done="hold"),)
    assert (batch.verdict, batch.rows_read, batch.first_time, batch.last_time) == (Verdict.HELD, 0, None, None)
    with pytest.raises(ValidationError, match=r"rule empty: 0 rows \(load the interval's rows"):
        check(table(0), rules={"on_empty": "fail"})


CASES: dict[str, dict[str, Any]] = {
    "unlabelled": {"label": ["A", None, None, "B"]},
    "null": {"x": [1.0, None, NAN, 2.0]},
    "non_finite": {"x": [1.0, INF, -INF, 2.0]},
    "unseen_class": {"label": ["A", "C", "D", "B"]},
}
COLUMNS = {"unlabelled": "label", "null": "x", "non_finite": "x", "unseen_class": "label"}


@pytest.mark.parametrize("rule", CASES)
def test_rows_are_dropped_and_counted(rule: str) -> None:
    batch = check(table(**CASES[rule]), known={"A", "B"}, rules={f"on_{rule}": "drop"})
    assert batch.verdict is Verdict.OK
    assert [(one.rule, one.column, one.rows, one.done) for one in batch.problems] == [(rule, COLUMNS[rule], 2, "drop")]
    assert (batch.rows_read, batch.rows) == (4, 2)
    assert batch.table["origin"].to_pylist() == ["EWR", "JFK"]
    assert batch.last_time == HOUR.start + timedelta(minutes=3)


@pytest.mark.parametrize("rule", CASES)
def test_a_batch_is_held_with_its_rows(rule: str) -> None:
    batch = check(table(**CASES[rule]), known={"A", "B"}, rules={f"on_{rule}": "hold"})
    assert batch.verdict is Verdict.HELD
    assert [(one.rule, one.rows, one.done) for one in batch.problems] == [(rule, 2, "hold")]
    assert (batch.rows_read, batch.rows) == (4, 4)


@pytest.mark.parametrize("rule", CASES)
def test_a_batch_fails_with_place_count_and_remedy(rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check(table(**CASES[rule]), known={"A", "B"}, rules={f"on_{rule}": "fail"})
    text = str(caught.value)
    assert "pipeline p, interval [2026-11-24T05:00Z, 2026-11-24T06:00Z)" in text
    assert f"rule {rule}: column {COLUMNS[rule]!r}, 2 rows" in text
    assert f"validation.on_{rule}" in caught.value.remedy


@pytest.mark.parametrize("rule", ["null", "unseen_class"])
def test_rows_are_allowed_and_told_of(rule: str) -> None:
    batch = check(table(**CASES[rule]), known={"A", "B"}, rules={f"on_{rule}": "allow"})
    assert batch.verdict is Verdict.OK
    assert [(one.rule, one.rows, one.done) for one in batch.problems] == [(rule, 2, "allow")]
    assert batch.rows == 4


def test_nan_is_null_in_an_allowed_batch() -> None:
    batch = check(table(**CASES["null"]), rules={"on_null": "allow"})
    assert batch.table["x"].to_pylist() == [1.0, None, None, 2.0]


def test_nulls_of_categories_count() -> None:
    batch = check(table(origin=[None, "EWR", None, "JFK"]))
    assert [(one.rule, one.column, one.rows) for one in batch.problems] == [("null", "origin", 2)]


def test_a_target_of_regression_that_is_nan_is_unlabelled_and_inf_is_non_finite() -> None:
    batch = check(table(label=[1.0, NAN, INF, None]), against=pipeline(task="regression"))
    assert [(one.rule, one.column, one.rows) for one in batch.problems] == [
        ("unlabelled", "label", 2),
        ("non_finite", "label", 1),
    ]
    assert batch.table["label"].to_pylist() == [1.0]


def test_a_number_that_32_bits_cannot_hold_is_non_finite_too() -> None:
    batch = check(table(x=[1.0, 1e39, -1e200, 3e38], origin=["EWR"] * 4, label=["A"] * 4))
    assert [(one.rule, one.column, one.rows) for one in batch.problems] == [("non_finite", "x", 2)]
    assert batch.table["x"].to_pylist() == [1.0, 3e38]


def test_whole_numbers_that_lose_digits_are_used_and_told_of() -> None:
    batch = check(table(x=pa.array([2**53, 2**53 + 1, -(2**63), None], pa.int64())), rules={"on_null": "allow"})
    assert batch.verdict is Verdict.OK
    assert batch.rows == 4
    said = [(one.rule, one.column, one.rows, one.done) for one in batch.problems if one.rule == "schema"]
    assert said == [("schema", "x", 2, "allow")]


def test_a_row_is_counted_once_for_the_first_reason_that_drops_it() -> None:
    given = table(x=[None, None, INF, 1.0], origin=[None, "EWR", None, "EWR"], label=[None, "A", "A", "A"])
    batch = check(given)
    assert [(one.rule, one.column, one.rows) for one in batch.problems] == [
        ("unlabelled", "label", 1),
        ("null", "x", 1),
        ("null", "origin", 1),
    ]
    assert batch.rows == 1


def test_an_unlabelled_row_with_nulls_is_not_held_against_the_nulls() -> None:
    batch = check(table(x=[None, 1.0, 2.0, 3.0], label=[None, "A", "B", "A"]), rules={"on_null": "fail"})
    assert [one.rule for one in batch.problems] == ["unlabelled"]


# --- classes ---


def test_unseen_classes_are_named_in_order() -> None:
    given = table(8, label=list("AHGFEDCA"))
    batch = check(given, known={"A"})
    assert batch.problems[0].detail == "'C', 'D', 'E', 'F', 'G' and 1 more"


def test_where_nothing_is_known_nothing_is_unseen() -> None:
    assert check(table(), known=None).problems == ()


def test_where_nothing_was_met_everything_is_unseen() -> None:
    assert check(table(), known=[]).problems[0].rows == 4


def test_declared_classes_go_before_those_met() -> None:
    against = pipeline(classes=["A", "B", "C"])
    assert check(table(), against=against, known={"Z"}).problems == ()
    assert check(table(label=list("ABCD")), against=against, known={"D"}).problems[0].detail == "'D'"


def test_a_regression_has_no_classes() -> None:
    assert check(table(label=[1, 2, 3, 4]), against=pipeline(task="regression"), known={"A"}).problems == ()


def test_an_unlabelled_row_is_not_of_an_unseen_class() -> None:
    batch = check(table(label=["A", None, "B", "A"]), known={"A", "B"}, rules={"on_unlabelled": "hold"})
    assert [one.rule for one in batch.problems] == ["unlabelled"]


# --- what is left ---


@pytest.mark.parametrize(("decision", "verdict"), [("hold", Verdict.HELD), ("allow", Verdict.OK)])
def test_too_few_rows_are_held_or_allowed(decision: str, verdict: Verdict) -> None:
    batch = check(table(), rules={"min_rows": 5, "on_too_few": decision})
    assert batch.problems == (Problem(rule="too_few", column=None, rows=4, done=decision, detail="fewer than 5"),)
    assert (batch.verdict, batch.rows) == (verdict, 4)


def test_too_few_rows_fail_where_they_shall() -> None:
    with pytest.raises(ValidationError, match=r"rule too_few: 4 rows, fewer than 5 \(lower validation.min_rows"):
        check(table(), rules={"min_rows": 5, "on_too_few": "fail"})


def test_rows_are_counted_after_dropping() -> None:
    assert [one.rule for one in check(table(x=[None, 1.0, 2.0, 3.0]), rules={"min_rows": 4}).problems] == [
        "null",
        "too_few",
    ]


def test_a_batch_of_which_nothing_is_left_is_held_whatever_is_allowed() -> None:
    batch = check(table(label=pa.array([None] * 4, pa.string())), rules={"on_too_few": "allow"})
    assert (batch.verdict, batch.rows) == (Verdict.HELD, 0)
    assert [(one.rule, one.done) for one in batch.problems] == [("unlabelled", "drop"), ("too_few", "hold")]


def test_a_batch_that_loses_too_large_a_share_is_held() -> None:
    given = table(x=[None, None, None, 1.0])
    batch = check(given, rules={"max_dropped": 0.5})
    assert batch.verdict is Verdict.HELD
    assert batch.problems[-1] == Problem(
        rule="max_dropped",
        column=None,
        rows=3,
        done="hold",
        detail="3 of 4 labelled rows dropped, more than 50%",
    )
    assert check(given, rules={"max_dropped": 0.75}).verdict is Verdict.OK


def test_the_share_is_taken_of_the_labelled_rows() -> None:
    labels = ["A", "B", None, None]
    assert check(table(label=labels), rules={"max_dropped": 0.0}).verdict is Verdict.OK
    assert check(table(x=[None, 1.0, 2.0, 3.0], label=labels), rules={"max_dropped": 0.4}).verdict is Verdict.HELD


# --- names ---


def test_names_with_quotes_and_other_alphabets_are_only_names() -> None:
    names = {"x": 'x"; DROP TABLE t; --', "origin": "출발지", "label": "it's"}
    against = pipeline(features={names["x"]: "numeric", names["origin"]: "categorical"}, target=names["label"])
    given = table(label=["가", "'; --", "가", "'; --"])
    given = given.rename_columns([names.get(name, name) for name in given.column_names])
    batch = check(given, against=against, known=["가", "'; --"])
    assert batch.problems == ()
    assert batch.table.column_names == list(against.columns)


def test_the_original_stream_passes() -> None:
    against = pipeline(source={"table": "t", "time": "time"}, features=["x", "y"], target="class")
    given = make("rotating_gaussians").batch(HOUR)
    batch = validate(
        given, pipeline=against, kinds=infer_kinds(given.schema, against), interval=HOUR, known_classes=None
    )
    assert (batch.rows, batch.problems) == (900, ())
