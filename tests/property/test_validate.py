"""What must hold of validation whatever the rows and the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope.config import Pipeline, parse
from heliotrope.interval import interval_at, parse_step, parse_time
from heliotrope.records import Batch, Verdict
from heliotrope.validate import validate

HOUR = interval_at(parse_time("2026-11-24T05:00"), parse_step("1h"))
Row = tuple[int, float | None, str | None, str | None]

rows = st.lists(
    st.tuples(
        st.integers(0, 3599),
        st.none() | st.floats(-5, 5) | st.sampled_from([float("nan"), float("inf"), float("-inf")]),
        st.none() | st.sampled_from(["EWR", "JFK"]),
        st.none() | st.sampled_from(["A", "B", "C"]),
    ),
    max_size=25,
)
rules = st.fixed_dictionaries(
    {
        "min_rows": st.integers(1, 10),
        "max_dropped": st.sampled_from([0.0, 0.3, 1.0]),
        "on_too_few": st.sampled_from(["hold", "allow"]),
        "on_null": st.sampled_from(["drop", "hold", "allow"]),
        "on_non_finite": st.sampled_from(["drop", "hold"]),
        "on_unlabelled": st.sampled_from(["drop", "hold"]),
        "on_unseen_class": st.sampled_from(["drop", "hold", "allow"]),
    }
)


def pipeline(validation: dict[str, Any]) -> Pipeline:
    return parse(
        {
            "name": "p",
            "source": {"table": "events", "time": "at"},
            "interval": "1h",
            "features": {"x": "numeric", "origin": "categorical"},
            "target": "class",
            "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
            "validation": validation,
        }
    )


def table(of: list[Row]) -> pa.Table:
    seconds, x, origin, target = ([row[place] for row in of] for place in range(4))
    times = [HOUR.start + timedelta(seconds=second) for second in seconds]  # type: ignore[arg-type] # column by column
    return pa.table(
        {
            "at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "x": pa.array(x, pa.float64()),
            "origin": pa.array(origin, pa.string()),
            "class": pa.array(target, pa.string()),
        }
    )


def check(of: list[Row], validation: dict[str, Any]) -> Batch:
    return validate(
        table(of),
        pipeline=pipeline(validation),
        kinds={"x": "numeric", "origin": "categorical"},
        interval=HOUR,
        known_classes=["A", "B"],
    )


def contents(batch: Batch) -> list[str]:
    return sorted(map(repr, batch.table.to_pylist()))


@given(of=rows, validation=rules)
@settings(max_examples=150, deadline=None)
def test_every_row_that_was_read_is_left_or_counted_as_dropped(of: list[Row], validation: dict[str, Any]) -> None:
    batch = check(of, validation)
    dropped = sum(problem.rows for problem in batch.problems if problem.done == "drop")
    assert batch.rows_read == len(of) == batch.rows + dropped


@given(of=rows, validation=rules, data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_order_of_the_rows_changes_nothing(of: list[Row], validation: dict[str, Any], data: st.DataObject) -> None:
    one = check(of, validation)
    other = check(data.draw(st.permutations(of)), validation)
    assert one.content_hash == other.content_hash
    assert one.problems == other.problems
    assert one.verdict == other.verdict
    assert (one.first_time, one.last_time) == (other.first_time, other.last_time)
    assert contents(one) == contents(other)


@given(of=rows, validation=rules)
@settings(max_examples=150, deadline=None)
def test_a_batch_that_may_be_used_breaks_no_rule(of: list[Row], validation: dict[str, Any]) -> None:
    batch = check(of, validation)
    held = any(problem.done == "hold" for problem in batch.problems)
    assert (batch.verdict is Verdict.HELD) == held
    if held:
        return
    assert batch.rows > 0
    assert batch.table["class"].null_count == 0
    assert batch.rows >= validation["min_rows"] or validation["on_too_few"] == "allow"
    for row in batch.table.to_pylist():
        assert row["x"] is None or abs(row["x"]) <= 5
        if validation["on_null"] == "drop":
            assert None not in row.values()
        if validation["on_unseen_class"] == "drop":
            assert row["class"] in ("A", "B")


@given(of=rows, validation=rules)
@settings(max_examples=100, deadline=None)
def test_what_was_validated_passes_again(of: list[Row], validation: dict[str, Any]) -> None:
    batch = check(of, validation)
    if batch.verdict is Verdict.OK:
        again = validate(
            batch.table,
            pipeline=pipeline(validation),
            kinds={"x": "numeric", "origin": "categorical"},
            interval=HOUR,
            known_classes=["A", "B"],
        )
        assert again.table.equals(batch.table)
        assert not [problem for problem in again.problems if problem.done == "drop"]
