"""How long does ``import heliotrope`` take, and ``heliotrope --help``, and do they leave the heavy libraries alone?

Each is a new process, beside one that does nothing at all. Byte-compile first (``python -m compileall -q src``):
otherwise every process compiles what it imports.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import Board, process, rounds

HEAVY = ("sklearn", "matplotlib", "mlflow", "pyarrow", "numpy", "pandas", "scipy", "skrub", "sqlalchemy", "rich")
HELP = "import sys; sys.argv = ['heliotrope', '--help']; from heliotrope.cli import main; main()"


def heavy(code: str) -> list[str]:
    """Which of the heavy libraries a process has imported at the end of ``code``."""
    code += f"; import sys; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    return process(sys.executable, "-c", code).splitlines()[-1].split()


def main() -> int:
    """Print the table; the exit code."""
    board = Board("imports")
    program = Path(sys.executable).with_name("heliotrope")
    spent = rounds(
        15,
        {
            "nothing": lambda: process(sys.executable, "-c", "pass"),
            "import": lambda: process(sys.executable, "-c", "import heliotrope"),
            "help": lambda: process(str(program), "--help"),
        },
    )
    board.within("python -c pass", spent["nothing"])
    board.within("import heliotrope", spent["import"], at_most=0.3)
    board.within("heliotrope --help", spent["help"], at_most=0.3)
    board.beside("the same, beside python -c pass", spent["help"], spent["nothing"])
    for what, code in (("import heliotrope", "import heliotrope"), ("heliotrope --help", HELP)):
        found = heavy(code)
        board.at_most(f"heavy libraries imported by {what}", len(found), 0, form="{:.0f}")
        if found:
            board.note(", ".join(found))
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
