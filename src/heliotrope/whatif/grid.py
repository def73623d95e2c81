"""Policies: the pipelines that are equal to a declared one but for trigger, windows, candidates or gate.

A grid names what is tried of each part, and every combination is a policy. Of a part that a grid does not name it takes
the default. In a file::

    candidates: [each, all, [logistic, tree]]        # by name; each: every one alone
    windows: [declared, half, double, {kind: expanding}]
    triggers: [declared, {kind: schedule, every: 4}, {kind: drift, at_least: 2}]
    gates: [declared, {kind: holdout, alpha: 0.01}]

``half`` and ``double`` change the length, and the half-life, of each candidate's own window; a window that is written
out is given to all of a policy's candidates. ``declared`` is what the pipeline says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from heliotrope.config import Pipeline, parse
from heliotrope.config.document import read
from heliotrope.errors import ConfigError, nearest, shown

__all__ = ["DEFAULT", "MOST", "Policy", "default", "load", "policies"]

MOST = 2000
"""Policies that one grid may have."""
_SHORT, _LONG = 0.5, 2.0

DEFAULT: Mapping[str, tuple[Any, ...]] = {
    "candidates": ("each", "all"),
    "windows": ("declared", "half", "double", "expanding", "decayed"),
    "triggers": (
        "declared",
        *({"kind": "schedule", "every": every} for every in (1, 2, 4, 8)),
        {"kind": "drift"},
        {"kind": "performance"},
        {"kind": "any", "of": [{"kind": "drift"}, {"kind": "performance"}]},
    ),
    "gates": ("declared",),
}
"""What is tried without a file."""
_NAMED = {
    "candidates": ("all", "each"),
    "windows": ("decayed", "declared", "double", "expanding", "half"),
    "triggers": ("declared",),
    "gates": ("declared",),
}
_PARTS = tuple(_NAMED)

Choice = tuple[str, dict[str, Any]]
"""How one part of a policy is called, and the keys of the declaration that it changes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A pipeline as it could be declared, and what its parts are called in tables."""

    pipeline: Pipeline
    candidates: str
    window: str
    trigger: str
    gate: str
    declared: bool = False
    """Whether it is the running one."""

    @property
    def name(self) -> str:
        """All of it in a line."""
        parts = (self.candidates, self.window, self.trigger, *(() if self.gate == "declared" else (self.gate,)))
        return " | ".join(parts)


def default(pipeline: Pipeline) -> dict[str, list[Any]]:
    """The grid that is tried without a file. A margin in the unit of a regression's metric nobody can guess."""
    grid = {part: list(entries) for part, entries in DEFAULT.items()}
    if pipeline.task == "regression":
        grid["triggers"] = [
            one for one in grid["triggers"] if one == "declared" or one["kind"] in ("schedule", "drift")
        ]
    return grid


def load(path: Path, pipeline: Pipeline) -> list[Policy]:
    """The policies of a grid's YAML file. Raises ConfigError that names the file, the line, and the nearest name."""
    document = read(path)
    for key in document.data:
        if key not in _PARTS:
            raise ConfigError(f"{document.where((key,))}: {key}: unknown key; {nearest(key, _PARTS)}")
    for part, entries in document.data.items():
        if not isinstance(entries, list) or not entries:
            raise ConfigError(
                f"{document.where((part,))}: {part}: {shown(entries)} is no list of what to try",
                remedy=f"write it as {part}: [declared, ...], or leave it out",
            )
    return policies(pipeline, default(pipeline) | document.data, where=document.where)


def policies(
    pipeline: Pipeline, grid: Mapping[str, Sequence[Any]], *, where: Callable[[Sequence[str | int]], str] | None = None
) -> list[Policy]:
    """Every combination, the declared pipeline first; those that come to the same are one.

    >>> from heliotrope.config import parse
    >>> pipeline = parse({
    ...     "name": "p", "source": {"table": "t", "time": "at"}, "interval": "1h", "features": ["x"], "target": "y",
    ...     "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
    ... })
    >>> grid = {"candidates": ["each"], "windows": ["half", "double"], "triggers": [{"kind": "schedule", "every": 4}],
    ...     "gates": ["declared"]}
    >>> [one.name for one in policies(pipeline, grid)]
    ['tree | sliding 3 | every 1', 'tree | sliding 1 | every 4', 'tree | sliding 6 | every 4']
    """
    where = where or (lambda place: ".".join(map(str, place)))
    said = _said(pipeline)
    trigger_said = {"kind": pipeline.trigger.kind} | pipeline.trigger.model_dump(mode="json", exclude_unset=True)
    read_part = _Part(said, where)
    sets = read_part.candidates(grid["candidates"])
    triggers = read_part.whole("triggers", "trigger", grid["triggers"])
    gates = read_part.whole("gates", "gate", grid["gates"])
    forms = read_part.windows(grid["windows"])
    count = len(sets) * len(triggers) * len(gates) * len(forms)
    if count > MOST:
        raise ConfigError(f"{where(())}: {count:,} policies, more than {MOST:,} at once", remedy="name fewer of a part")
    found = [_policy(pipeline, said["candidates"], trigger_said, "declared", declared=True)]
    known = {_identity(pipeline)}
    for names, change, (_, trigger), (gate, gated) in product(sets, forms, triggers, gates):
        chosen = [change(one) for one in said["candidates"] if one["name"] in names]
        other = parse(said | {"candidates": chosen} | trigger | gated, where="a policy")
        if _identity(other) not in known:
            known.add(_identity(other))
            found.append(_policy(other, chosen, trigger.get("trigger", trigger_said), gate))
    return found


def _said(pipeline: Pipeline) -> dict[str, Any]:
    """The whole declaration; of windows what was declared, and how long they are."""
    said = pipeline.model_dump(mode="json")
    for one, candidate in zip(said["candidates"], pipeline.candidates, strict=True):
        kept = {"kind", "intervals", "half_life", *candidate.window.model_fields_set}
        one["window"] = {key: value for key, value in one["window"].items() if key in kept}
    return said


def _policy(
    pipeline: Pipeline, candidates: Sequence[Mapping[str, Any]], trigger: Any, gate: str, *, declared: bool = False
) -> Policy:
    return Policy(
        pipeline=pipeline,
        candidates=" + ".join(one["name"] for one in candidates),
        window=windows_text([one["window"] for one in candidates]),
        trigger=trigger_text(trigger),
        gate=gate,
        declared=declared,
    )


def _identity(pipeline: Pipeline) -> str:
    return pipeline.fingerprint()


class _Part:
    """The entries of a grid as changes of the declaration; what is wrong is told with its place."""

    def __init__(self, said: Mapping[str, Any], where: Callable[[Sequence[str | int]], str]) -> None:
        self.said = said
        self.where = where

    def candidates(self, entries: Sequence[Any]) -> list[tuple[str, ...]]:
        """Names of candidates that compete with each other."""
        names = tuple(one["name"] for one in self.said["candidates"])
        found: list[tuple[str, ...]] = []
        for place, entry in enumerate(entries):
            if entry == "all":
                found.append(names)
            elif entry == "each":
                found += [(name,) for name in names]
            else:
                wanted = tuple(entry) if isinstance(entry, list) else (entry,)
                for name in wanted:
                    if name not in names:
                        known = (*names, *(() if isinstance(entry, list) else _NAMED["candidates"]))
                        raise self._unknown("candidates", place, name, known)
                found.append(tuple(name for name in names if name in wanted))
        return list(dict.fromkeys(one for one in found if one))

    def windows(self, entries: Sequence[Any]) -> list[Callable[[dict[str, Any]], dict[str, Any]]]:
        """What becomes of a candidate."""
        found: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
        for place, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                changed = [one | {"window": dict(entry)} for one in self.said["candidates"]]
                parse(dict(self.said) | {"candidates": changed}, where=self.where(("windows", place)))
                found.append(_given(entry))
            elif isinstance(entry, str) and entry in _FORMS:
                found.append(_FORMS[entry])
            else:
                raise self._unknown("windows", place, entry, _NAMED["windows"])
        return found

    def whole(self, part: str, key: str, entries: Sequence[Any]) -> list[Choice]:
        """Triggers, or gates."""
        found: list[Choice] = []
        for place, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                parse(dict(self.said) | {key: dict(entry)}, where=self.where((part, place)))
                found.append((_flat(entry), {key: dict(entry)}))
            elif entry == "declared":
                found.append(("declared", {}))
            else:
                raise self._unknown(part, place, entry, _NAMED[part])
        return found

    def _unknown(self, part: str, place: int, entry: Any, known: Sequence[str]) -> ConfigError:
        said = f"{self.where((part, place))}: {part}: {shown(entry)} is none that can be tried"
        return ConfigError(f"{said}; {nearest(str(entry), known)}")


# --- windows -----------------------------------------------------------------------------------------------


def _given(window: Mapping[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda candidate: candidate | {"window": dict(window)}


def _scaled(factor: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(candidate: dict[str, Any]) -> dict[str, Any]:
        window = dict(candidate["window"])
        if "intervals" in window:
            window["intervals"] = max(1, int(window["intervals"] * factor))
        if "half_life" in window:
            window["half_life"] = window["half_life"] * factor
        return candidate | {"window": window}

    return change


def _decayed(candidate: dict[str, Any]) -> dict[str, Any]:
    """A row weighs half as much when it is as old as the declared window is long; four times as far back."""
    long = candidate["window"].get("intervals", 12)
    window = {"kind": "decayed", "half_life": float(long), "intervals": 4 * long}
    return candidate | {"window": window if candidate["window"]["kind"] != "decayed" else candidate["window"]}


_FORMS: Mapping[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "declared": _scaled(1),
    "half": _scaled(_SHORT),
    "double": _scaled(_LONG),
    "expanding": _given({"kind": "expanding"}),
    "decayed": _decayed,
}


# --- as text -----------------------------------------------------------------------------------------------


def window_text(window: Mapping[str, Any]) -> str:
    """A window in two or three words.

    >>> window_text({"kind": "sliding", "intervals": 3}), window_text({"kind": "decayed", "half_life": 3.0})
    ('sliding 3', 'decayed 3')
    """
    length = window.get("half_life", window.get("intervals"))
    return window["kind"] if length is None else f"{window['kind']} {length:g}"


def windows_text(windows: Sequence[Mapping[str, Any]]) -> str:
    """The windows of several candidates.

    >>> windows_text([{"kind": "sliding", "intervals": 3}, {"kind": "sliding", "intervals": 1}, {"kind": "expanding"}])
    'sliding 3/1, expanding'
    """
    by_kind: dict[str, list[str]] = {}
    for text in dict.fromkeys(map(window_text, windows)):
        kind, _, length = text.partition(" ")
        by_kind.setdefault(kind, []).append(length)
    return ", ".join(f"{kind} {'/'.join(lengths)}".strip() for kind, lengths in by_kind.items())


def trigger_text(trigger: Mapping[str, Any]) -> str:
    """A trigger in a few words.

    >>> trigger_text({"kind": "any", "of": [{"kind": "schedule", "every": 4}, {"kind": "drift", "at_least": 2}]})
    'every 4 or drift at_least 2'
    """
    kind = trigger["kind"]
    if kind == "schedule":
        return f"every {trigger.get('every', 1)}"
    if "of" in trigger:
        texts = [f"({trigger_text(one)})" if "of" in one else trigger_text(one) for one in trigger["of"]]
        return {"any": " or ", "all": " and "}.get(kind, f" {kind} ").join(texts)
    return _flat(trigger)


def _flat(entry: Mapping[str, Any]) -> str:
    """The kind, and what is set to something."""
    return " ".join([str(entry.get("kind", "")), *_settings(entry)]).strip()


def _settings(entry: Mapping[str, Any]) -> Iterator[str]:
    for key, value in entry.items():
        if key != "kind" and value is not None:
            yield f"{key} {value if isinstance(value, str | int | float) else json.dumps(value)}"
