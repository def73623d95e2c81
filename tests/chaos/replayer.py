"""A process that replays the turning stream and says each hour it is done with; for others to kill."""

from __future__ import annotations

import sys
from pathlib import Path

import world
from heliotrope.database import Database
from heliotrope.replay import replay, span_of


def main() -> None:
    """Replay: the database's URL and the folder are the arguments."""
    with world.opened(Database(sys.argv[1]), Path(sys.argv[2])) as context:
        for outcome in replay(context, span_of(context)):
            print(outcome.interval, "ran" if outcome.ran else "passed over", flush=True)


if __name__ == "__main__":
    main()
