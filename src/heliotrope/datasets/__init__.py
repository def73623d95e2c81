"""What ``heliotrope load`` writes into a pipeline's table: a stream, a file or what a function returns, by interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from heliotrope.config import FileDataset, FunctionDataset, Pipeline, StreamDataset
from heliotrope.datasets.file import read_file
from heliotrope.datasets.function import call
from heliotrope.datasets.nycflights import flights
from heliotrope.datasets.table import by_interval, fitted, in_order
from heliotrope.errors import ConfigError
from heliotrope.interval import Interval, intervals
from heliotrope.streams import make

__all__ = ["flights", "read"]


def read(
    dataset: StreamDataset | FileDataset | FunctionDataset,
    *,
    pipeline: Pipeline,
    path: Path | None = None,
    stored: Mapping[str, pa.DataType] | None = None,
) -> Iterator[tuple[Interval, pa.Table]]:
    """The rows of a data set, one of the pipeline's intervals after the other.

    Each table holds all the rows of its interval: the pipeline's columns in its order, time as timestamp[us, UTC].
    A stream gives every interval, those without rows too; a file or a function only those that have rows. ``path``
    names the file, in place of the one in ``dataset``; ``stored`` has the types of the columns of the table that the
    rows are for, where there is one, to which a file's values have to fit.

    Raises ConfigError for a path or a parameter that cannot be, SchemaError for missing columns, and DataError for
    what cannot be read. A file is read to its end before the first rows are given, so that a number or a time that
    cannot be read is found before anything is written.

    >>> from heliotrope.config import parse
    >>> pipeline = parse({
    ...     "name": "p", "source": {"table": "t", "time": "time"}, "interval": "1h", "features": ["x", "y"],
    ...     "target": "class", "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
    ...     "dataset": {"kind": "stream", "start": "2026-11-22", "intervals": 2, "params": {"rows": 5}},
    ... })
    >>> [(str(interval), table.num_rows) for interval, table in read(pipeline.dataset, pipeline=pipeline)]
    [('[2026-11-22T00:00Z, 2026-11-22T01:00Z)', 15), ('[2026-11-22T01:00Z, 2026-11-22T02:00Z)', 15)]
    """
    if path is not None and not isinstance(dataset, FileDataset):
        raise ConfigError(
            f"{path} is not read: the data set of {pipeline.name} is a {dataset.kind}",
            remedy="leave the path out, or declare a dataset of kind file",
        )
    if isinstance(dataset, StreamDataset):
        return _read_stream(dataset, pipeline)
    if isinstance(dataset, FunctionDataset):
        table = fitted(call(dataset), pipeline, where=dataset.call)
        return by_interval([in_order(table, pipeline.source.time)], pipeline)
    if path is None and dataset.path is None:
        raise ConfigError(
            f"the data set of {pipeline.name} is a file without a path", remedy="name the file on the command line"
        )
    return read_file(Path(path or str(dataset.path)), dataset, pipeline, stored or {})


def _read_stream(dataset: StreamDataset, pipeline: Pipeline) -> Iterator[tuple[Interval, pa.Table]]:
    stream = make(dataset.stream, **dataset.params)
    end = dataset.start + dataset.intervals * pipeline.interval
    for interval in intervals(dataset.start, end, pipeline.interval):
        yield interval, fitted(stream.batch(interval), pipeline, where=f"stream {dataset.stream}")
