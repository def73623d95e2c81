"""The original's way, as the peer: its INSERTs, its query, its tree and its picture.

Run as a program it is the original's training container for one hour: ``original.py URL TIME FILE.png``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

__all__ = ["TABLE", "fit", "inserts", "picture", "window"]

TABLE = "(time TIMESTAMP NOT NULL, x FLOAT NOT NULL, y FLOAT NOT NULL, class TEXT NOT NULL)"
_GRID = 500
_EDGE = 7.0

Row = tuple[Any, ...]


def inserts(table: str, rows: Sequence[Row]) -> str:
    """The SQL text of single-row INSERTs that the original hands from task to task."""
    return "\n".join(
        f"INSERT INTO {table} (time, x, y, class) VALUES ('{time:%Y-%m-%d %H:%M:%S}', {x}, {y}, '{label}');"
        for time, x, y, label in rows
    )


def window(connection: psycopg.Connection[Any], table: str, time: datetime) -> list[Row]:
    """Three hours of rows: both ends of (time minus two hours .. time) are included."""
    start = (time - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S")
    query = f"SELECT * FROM {table} WHERE time BETWEEN '{start}' AND '{time:%Y-%m-%d %H:%M:%S}'"
    return connection.execute(query.encode()).fetchall()


def fit(rows: Sequence[Row]) -> Any:
    """The decision tree on (x, y)."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=0).fit([row[1:3] for row in rows], [row[3] for row in rows])


def picture(tree: Any, rows: Sequence[Row], title: str) -> bytes:
    """Filled decision regions from a grid of 500 x 500, the points with dark edges, a legend, a grid and the time."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np

    line = np.linspace(-_EDGE, _EDGE, _GRID)
    across, up = np.meshgrid(line, line)
    classes = list(tree.classes_)
    regions = np.searchsorted(classes, tree.predict(np.column_stack([across.ravel(), up.ravel()])))
    points, labels = np.array([row[1:3] for row in rows]), np.array([row[3] for row in rows])
    figure = plt.figure(figsize=(8, 8))
    plt.contourf(across, up, regions.reshape(across.shape), alpha=0.3)
    for name in classes:
        own = points[labels == name]
        plt.scatter(own[:, 0], own[:, 1], edgecolors="k", label=f"CLASS {name}")
    plt.legend()
    plt.grid()
    plt.title(title)
    file = BytesIO()
    plt.savefig(file, format="png")
    plt.close(figure)
    return file.getvalue()


def main(url: str, time: str, file: str) -> None:
    """One run of the container, without its message to a chat."""
    import psycopg

    hour = datetime.fromisoformat(time).astimezone(UTC)
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        rows = window(connection, "continuous_training", hour)
    with open(file, "wb") as target:
        target.write(picture(fit(rows), rows, time))


if __name__ == "__main__":
    main(*sys.argv[1:])
