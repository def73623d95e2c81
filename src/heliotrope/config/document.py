"""A YAML file as plain values, each with the line it stands in.

What no pipeline needs and what only does harm is refused: aliases, of which a few lines can mean a billion values,
keys given twice, of which YAML would keep the last in silence, tags, deep nesting, long numbers, and large files.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from heliotrope.config.plain import DEPTH
from heliotrope.errors import ConfigError

__all__ = ["Document", "read", "read_text"]

SIZE = 2**18
"""Bytes a file may have: a pipeline of the 1,600 columns that PostgreSQL allows has half of that."""
_DIGITS = 64  # of a number; one in base 60 costs the square of its length
_REMEDIES = (
    ("'\\t'", "indent with spaces, not with tabs"),
    ("found another document", "keep one pipeline in a file: remove the line --- and what follows it"),
    ("mapping values are not allowed", "indent it as its neighbours, or quote a text that has a colon in it"),
    ("found undefined alias", "quote a text that begins with *"),
    ("cannot start any token", "quote a text that begins with this character"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """The mapping that a YAML file holds, and where in the file its parts are."""

    name: str
    data: dict[str, Any]
    node: yaml.MappingNode

    def where(self, place: Sequence[str | int]) -> str:
        """``file:line`` of the part that the keys and positions of ``place`` lead to, as far as they do.

        >>> read_text("a: 1\\nb:\\n- c: 2\\n- d: 3", "x.yaml").where(("b", 1, "d"))
        'x.yaml:4'
        """
        node: yaml.Node = self.node
        line = 0
        for part in place:
            step = _step(node, part)
            if step is not None:
                line, node = step
        return f"{self.name}:{line}" if line else self.name


def read(path: Path) -> Document:
    """The mapping in a YAML file. Raises ConfigError with the file, the line where there is one, and the remedy."""
    remedy = "name a pipeline's YAML file"
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "neither a file nor a link to one"
            raise ConfigError(f"{path}: cannot be read: it is {kind}", remedy=remedy)
        with path.open("rb") as file:
            data = file.read(SIZE + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{path}: cannot be read: {said}", remedy=remedy) from None
    if len(data) > SIZE:
        raise ConfigError(f"{path}: has more than {SIZE} bytes, too many for a pipeline", remedy=remedy)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not text in UTF-8", remedy="save it in UTF-8, if it is a text") from None
    return read_text(text, str(path))


def read_text(text: str, name: str) -> Document:
    """The mapping in a YAML text; ``name`` is what errors call it.

    >>> read_text("a: &x [1]\\nb: *x", "x.yaml")
    Traceback (most recent call last):
    heliotrope.errors.ConfigError: x.yaml:2: alias *x: aliases are not taken (write out what it stands for)
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if isinstance(node, yaml.MappingNode) else None
    except _RefusedError as error:
        raise ConfigError(f"{name}:{error.line}: {error.message}", remedy=error.remedy) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = name if mark is None else f"{name}:{mark.line + 1}"
        said = ": ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{place}: not YAML: {said}", remedy=_remedy(said)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = f"a character that no text has, U+{error.character:04X}"
        raise ConfigError(f"{name}:{line}: not YAML: {said}", remedy="remove it") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{name}: holds no mapping of settings", remedy="begin with `name: ...`")
    assert isinstance(node, yaml.MappingNode), "nothing else gives a dict"
    return Document(name, data, node)


def _remedy(said: str) -> str:
    return next((remedy for sign, remedy in _REMEDIES if sign in said), "mend it there, or just above")


def _step(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    """The line that the part of a node begins in, and the part."""
    if isinstance(node, yaml.MappingNode):
        return next(((_line(key), value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return _line(node.value[part]), node.value[part]
    return None


def _line(at: Any) -> int:
    """The line that a node or an event begins in, from 1."""
    return int(at.start_mark.line) + 1


class _RefusedError(Exception):
    """What is YAML, but nothing for a pipeline."""

    def __init__(self, at: yaml.Node | yaml.Event, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line = _line(at)
        self.message = message
        self.remedy = remedy


class _Loader(yaml.SafeLoader):
    """Plain values only, and no more of them than the text has."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # so types-pyyaml has it
        if isinstance(event, yaml.AliasEvent):
            said = f"alias *{event.anchor}: aliases are not taken"
            raise _RefusedError(event, said, "write out what it stands for")
        tag: str | None = getattr(event, "tag", None)
        if tag:
            raise _RefusedError(event, f"tag {tag[:40]!r}: tags are not taken", "write the value without it")
        if self.depth == DEPTH:
            said = f"more than {DEPTH} lists and mappings in each other"
            raise _RefusedError(event, said, "write fewer")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:int" and len(node.value) > _DIGITS:
            said = f"a number of {len(node.value)} digits"
            raise _RefusedError(node, said, "write a shorter one, or quote it if it is a text")
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, LookupError, TypeError, AttributeError):  # of PyYAML's own constructors
            said = f"{str(node.value)[:40]!r} is no {node.tag.rpartition(':')[2]}"
            raise _RefusedError(node, said, "correct it, or quote it if it is a text") from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for node_of_key, _ in node.value:
            key = self.construct_object(node_of_key, deep=True)
            if not isinstance(key, str | int) or isinstance(key, bool):
                said = f"key {str(key)[:40]!r} is no text"
                raise _RefusedError(node_of_key, said, "quote it as it is to be read")
            if key in seen:
                said = f"key {str(key)[:40]!r} is given twice"
                raise _RefusedError(node_of_key, said, "remove one of the two")
            seen.add(key)
        return super().construct_mapping(node, deep)
