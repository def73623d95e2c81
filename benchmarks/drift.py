"""How long does it take to measure drift, and do the statistics agree with SciPy's?

All detectors together on a cycle's 900 rows beside 2,700 of reference and two features; then Kolmogorov-Smirnov
alone on 20 features of many rows, the reference not sampled, beside ``scipy.stats.ks_2samp`` column by column, as it
chooses its method by itself and with ``method="asymp"``, and beside Evidently's default preset in a process of its own:
it wants another pandas. HELIOTROPE_EVIDENTLY names the folder it is in (``pip install --target FOLDER evidently``).
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from bench import Board, process, rounds
from heliotrope import config, drift, streams
from heliotrope.interval import Interval
from heliotrope.records import DriftReport
from heliotrope.threads import one_thread

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEATURES = 20
FASTER = 50
EVIDENTLY = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
rows, features = map(int, sys.argv[1:])
random = np.random.default_rng(0)
names = [f"f{place}" for place in range(features)]
reference, current = (
    pd.DataFrame({name: random.normal(0.01 * moved * (place % 2), 1, rows) for place, name in enumerate(names)})
    for moved in (0, 1)
)
begun = time.perf_counter()
Report([DataDriftPreset()]).run(current, reference).dict()
print(time.perf_counter() - begun)
"""


def of_a_cycle(board: Board) -> None:
    """All detectors, as a cycle calls them."""
    stream = streams.make("rotating_gaussians", rows=300, seed=0)
    reference = stream.batch(Interval(START, START + 3 * HOUR))
    current = stream.batch(Interval(START + 3 * HOUR, START + 4 * HOUR))
    features: Any = {"x": "numeric", "y": "numeric"}

    def measure(settings: config.Drift) -> tuple[DriftReport, ...]:
        with one_thread():
            return drift.measure(
                settings, reference, current, features=features, target="class", task="classification", seed=0
            )

    default = config.Drift()
    spent = rounds(
        40,
        {"all": lambda: measure(default), "scipy": lambda: by_scipy(reference, current, ["x", "y"], "auto")}
        | {one.kind: lambda one=one: measure(config.Drift(detectors=(one,))) for one in default.detectors},
        warm=3,
    )
    board.within("900 rows beside 2,700, 2 features, all detectors", spent["all"])
    for one in default.detectors:
        board.within(f"  {one.kind} alone", spent[one.kind])
    board.beside("  kolmogorov_smirnov, beside scipy", spent["kolmogorov_smirnov"], spent["scipy"])


def by_scipy(reference: pa.Table, current: pa.Table, names: list[str], method: str) -> list[Any]:
    """Kolmogorov and Smirnov's test of each column, by SciPy."""
    return [stats.ks_2samp(reference[name].to_numpy(), current[name].to_numpy(), method=method) for name in names]


def wide(board: Board, rows: int, count: int) -> None:
    """Kolmogorov-Smirnov alone on ``rows`` rows of either side and many features, every other one drifted a little."""
    random = np.random.default_rng(0)
    names = [f"f{place}" for place in range(FEATURES)]
    reference, current = (
        pa.table({name: random.normal(0.01 * moved * (place % 2), 1, rows) for place, name in enumerate(names)})
        for moved in (0, 1)
    )
    features: Any = dict.fromkeys(names, "numeric")
    settings = config.Drift(detectors=(config.KolmogorovSmirnov(),), max_rows=rows, correction="none")

    def ours() -> tuple[DriftReport, ...]:
        return drift.measure(settings, reference, current, features=features, target="", task="regression", seed=0)

    spent = rounds(
        count,
        {
            "ours": ours,
            "auto": lambda: by_scipy(reference, current, names, "auto"),
            "asymp": lambda: by_scipy(reference, current, names, "asymp"),
        },
        warm=0,
    )
    board.beside(f"{rows:,} rows, {FEATURES} features, beside ks_2samp", spent["ours"], spent["auto"])
    if rows <= 200_000:
        evidently(board, rows, spent["ours"])
    board.beside('    the same, method="asymp"', spent["ours"], spent["asymp"])
    read, theirs = ours()[0].features, by_scipy(reference, current, names, "asymp")
    gaps = [abs(one.statistic - other.statistic) for one, other in zip(read, theirs, strict=True)]
    board.at_most("    largest difference of the statistics", max(gaps), 1e-12)
    gaps = [abs(one.p_value - other.pvalue) for one, other in zip(read, theirs, strict=True) if one.p_value is not None]
    board.at_most("    largest difference of the p-values", max(gaps), 1e-6)


def evidently(board: Board, rows: int, ours: list[float]) -> None:
    """Evidently's default preset, once, on the same rows."""
    folder = os.environ.get("HELIOTROPE_EVIDENTLY")
    if not folder:
        board.note("Evidently skipped: HELIOTROPE_EVIDENTLY names no folder that it is installed in")
        return
    try:
        said = process(sys.executable, "-c", EVIDENTLY, str(rows), str(FEATURES), PYTHONPATH=folder)
    except SystemExit as error:
        board.note(f"Evidently skipped: {str(error).strip().splitlines()[-1]}")
        return
    board.beside("    beside Evidently's default preset", ours, [float(said.split()[-1])] * len(ours), at_least=FASTER)


def main() -> int:
    """Print the table; the exit code."""
    board = Board("drift")
    of_a_cycle(board)
    wide(board, 200_000, 5)
    wide(board, 1_000_000, 3)
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
