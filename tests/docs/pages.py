"""The documentation's pages as tests see them: fenced blocks, commands with what they should print, links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)]+)\)")
_DECIMAL = re.compile(r"\d+\.\d+")
_TOLERANCE = 0.004
"""How far a shown number with a decimal point may be from the printed one: another machine may round differently."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its info string, its text, and the line of the page it begins on."""

    info: str
    text: str
    line: int

    @property
    def language(self) -> str:
        """The first word of the info string."""
        return self.info.split()[0] if self.info.split() else ""

    @property
    def title(self) -> str | None:
        """The file that a reader is told to save it as, from ``title="name"``; None where it is none."""
        found = re.search(r'title="([^"]+)"', self.info)
        return found[1] if found else None

    @property
    def exit_code(self) -> int:
        """What every command of the block must end with: ``exit=2`` in the info string, else 0."""
        found = re.search(r"exit=(\d+)", self.info)
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a ``console`` block, what is shown below it, and what it must end with."""

    text: str
    shown: tuple[str, ...]
    exit_code: int
    line: int


def pages() -> list[Path]:
    """Every page that readers are meant for: the README, and all of docs/."""
    found = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    return [page for page in found if page.exists()]


def name(page: Path) -> str:
    """A page's path within the project."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order.

    >>> [(one.language, one.exit_code, one.text) for one in blocks("a\\n```console exit=2\\n$ x\\n```\\n")]
    [('console', 2, '$ x\\n')]
    """
    return [
        Block(found["info"].strip(), found["text"], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a ``console`` block: ``$ `` begins one, ``> `` continues it, the rest is what it prints.

    >>> block = Block("console", "$ echo a \\\\\\n>   b\\na b\\n", 1)
    >>> list(commands(block))
    [Command(text='echo a \\\\\\n  b', shown=('a b',), exit_code=0, line=2)]
    """
    text: list[str] = []
    shown: list[str] = []
    begun = block.line
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            if text:
                yield Command("\n".join(text), tuple(shown), block.exit_code, begun)
            text, shown, begun = [line[2:]], [], number
        elif line.startswith("> ") and text and not shown:
            text.append(line[2:])
        else:
            assert text, f"line {number}: output before any command"
            shown.append(line)
    if text:
        yield Command("\n".join(text), tuple(shown), block.exit_code, begun)


def missing(shown: Sequence[str], printed: str) -> str | None:
    """The first shown line that is not in what was printed, in order; None where all of them are.

    ``...`` stands for any text, alone for any lines. Runs of spaces count as one, rules of a table for nothing, and a
    number with a decimal point may differ a little.

    >>> missing(["interval  score", "...", "05:00  0.91  ... done"], "interval score\\n04:00\\n05:00 0.912 in 2 s done")
    >>> missing(["05:00  0.91"], "05:00  0.71")
    '05:00  0.91'
    """
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in shown:
        wanted = " ".join(line.split())
        if wanted in ("", "...") or set(wanted) == {"─"}:
            continue
        if not any(_like(wanted, found) for found in lines):
            return line
    return None


def _like(wanted: str, found: str) -> bool:
    numbers = [float(number) for number in _DECIMAL.findall(wanted)]
    parts = [re.escape(part) for part in _DECIMAL.split(wanted)]
    pattern = r"(\d+\.\d+)".join(part.replace(re.escape("..."), ".*") for part in parts)
    match = re.fullmatch(pattern, found)
    return match is not None and all(
        abs(number - float(group)) <= _TOLERANCE for number, group in zip(numbers, match.groups(), strict=True)
    )


def links(text: str) -> list[str]:
    """The targets of a page's links that lead to other files or headings of the project."""
    prose = _FENCE.sub("", text)
    found = [match["target"] for match in _LINK.finditer(prose)]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The names that a page's headings have in links, as GitHub makes them.

    >>> sorted(anchors("# When something fails\\n## Exit codes, `--json`\\n"))
    ['exit-codes---json', 'when-something-fails']
    """
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
