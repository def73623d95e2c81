"""The original's way, as the peer: its INSERTs, its query, its tree and its picture.

Run as a program it is the original's training container for one hour, but for its message to a chat:
``original.py URL TIME FILE.png``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

__all__ = ["COLUMNS", "XCOM", "carried", "fit", "inserts", "picture", "window"]

COLUMNS = "(time TIMESTAMP NOT NULL, x FLOAT NOT NULL, y FLOAT NOT NULL, class TEXT NOT NULL)"
XCOM = "CREATE TABLE xcom (key text PRIMARY KEY, value bytea NOT NULL)"

Row = tuple[Any, ...]


def inserts(table: str, rows: Sequence[Row]) -> str:
    """The SQL text of single-row INSERTs."""
    return "\n".join(
        f"INSERT INTO {table} (time, x, y, class) VALUES ('{time:%Y-%m-%d %H:%M:%S}', {x}, {y}, '{label}');"
        for time, x, y, label in rows
    )


def carried(connection: Connection, key: str, text: str) -> str:
    """The text after a way from task to task, through Airflow's XCom: JSON in a row of its database.

    The least of it: no task is started, no server asked.
    """
    connection.execute(
        "INSERT INTO xcom VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, json.dumps(text).encode()],
    )
    found = connection.execute("SELECT value FROM xcom WHERE key = %s", [key], binary=True).fetchone()
    assert found is not None
    return str(json.loads(found[0]))


def window(connection: Connection, table: str, time: datetime) -> list[Row]:
    """Three hours of rows: both ends of (time minus two hours .. time) are included."""
    start = time - timedelta(hours=2)
    query = f"SELECT * FROM {table} WHERE time >= '{start.isoformat()}' AND time <= '{time.isoformat()}'"
    return connection.execute(query.encode()).fetchall()


def fit(rows: Sequence[Row]) -> Any:
    """The decision tree on (x, y)."""
    import numpy as np
    from sklearn.tree import DecisionTreeClassifier

    classes = sorted({row[3] for row in rows})
    points = np.array([row[1:3] for row in rows])
    return DecisionTreeClassifier(random_state=0).fit(points, np.array([classes.index(row[3]) for row in rows]))


def picture(tree: Any, rows: Sequence[Row], title: str) -> bytes:
    """Filled regions over a grid of 500 x 500, the points with dark edges, a legend, a grid and the time, as a PNG."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np

    line = np.linspace(-7, 7, 500)
    across, up = np.meshgrid(line, line)
    regions = tree.predict(np.column_stack([across.ravel(), up.ravel()])).reshape(across.shape)
    names = sorted({row[3] for row in rows})
    points, labels = np.array([row[1:3] for row in rows]), np.array([names.index(row[3]) for row in rows])
    figure, axes = plt.subplots(figsize=(10, 10))
    axes.contourf(across, up, regions, levels=len(names) - 1, cmap="jet", alpha=0.5)
    dots = axes.scatter(points[:, 0], points[:, 1], c=labels, edgecolors="k", cmap="jet")
    axes.legend(dots.legend_elements()[0], [f"CLASS {name}" for name in names], loc="upper right")
    axes.set(xlim=(-7, 7), ylim=(-7, 7), title=title)
    axes.grid()
    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    plt.close(figure)
    return file.getvalue()


def main(url: str, time: str, file: str) -> None:
    """One run of the container."""
    import psycopg

    hour = datetime.fromisoformat(time).astimezone(UTC)
    with psycopg.connect(url) as connection:
        rows = window(connection, "continuous_training", hour)
    Path(file).write_bytes(picture(fit(rows), rows, time))


if __name__ == "__main__":
    main(*sys.argv[1:])
