"""The policies: the default, what it is measured against, and what each hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from prequential import ours, peers
from prequential.course import Course, Outcome
from prequential.kept import source_of

__all__ = ["ALARMED", "HALF", "DEFAULT", "EVERY_FOUR", "ONE_IN", "Policy", "fixed", "policies"]

DEFAULT, HALF, EVERY_FOUR = "default", "default, every second interval", "default, every fourth at most"
_FILE = Path(__file__).with_name("default.yaml")
_PEERS_ROWS = 10_000  # they take milliseconds a row
_LINEAR = "heliotrope.candidates.VaryingCoefficientClassifier"
_BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
_TREES = "sklearn.ensemble.ExtraTreesClassifier"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A name for the table, what runs it, and what its outcome hangs on beside the rows."""

    name: str
    run: Callable[[Course], Outcome]
    said: str
    hangs_on: str
    rows: int | None = None
    """Of a synthetic course with more rows, it is given so many, evenly from every interval."""


def _sliding(intervals: int) -> dict[str, Any]:
    return {"kind": "sliding", "intervals": intervals}


ALARMED, ONE_IN = "linear, trained on alarms alone", 100.0
"""Shows what the promise of one false alarm in so many intervals is worth, and what training on alarms alone is."""
_ALARMED: dict[str, Any] = {
    "candidates": [
        {"name": "linear", "estimator": _LINEAR, "params": {"degree": 0}, "window": {"kind": "drift_cut"}},
    ],
    "trigger": {"kind": "drift"},
    "drift": {"false_alarms": {"one_in": ONE_IN}, "detectors": [{"kind": "kolmogorov_smirnov"}]},
}

_FIXED: dict[str, dict[str, Any]] = {
    "the original's tree, 3": {"estimator": "sklearn.tree.DecisionTreeClassifier", "window": _sliding(3)},
    **{
        f"linear, {count}": {
            "estimator": _LINEAR,
            "params": {"degree": 0},
            "window": _sliding(count),
        }
        for count in (1, 3, 10, 30)
    },
    "varying coefficients, 10": {"estimator": _LINEAR, "window": _sliding(10)},
    "discriminant, 3": {
        "estimator": "heliotrope.candidates.ExtrapolatedDiscriminant",
        "window": _sliding(3),
    },
    "motion, 12": {
        "estimator": "heliotrope.candidates.DynamicDiscriminant",
        "window": _sliding(12),
    },
    **{
        f"extra trees, {count}": {
            "estimator": _TREES,
            "params": {"n_estimators": 50, "min_samples_leaf": 3},
            "window": _sliding(count),
        }
        for count in (3, 10)
    },
    **{
        f"boosting, {count}": {"estimator": _BOOSTING, "params": {"max_iter": 50}, "window": _sliding(count)}
        for count in (10, 30)
    },
}


def fixed() -> list[str]:
    """The names of the single candidates that are trained at every interval, one of which is best in hindsight."""
    return list(_FIXED)


def policies(name: str) -> list[Policy]:
    """All of them for the course of that name, the default first."""
    said = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    half = said | {"trigger": {"kind": "schedule", "every": 2}}
    seldom = said | {"trigger": {"kind": "all", "of": [said["trigger"], {"kind": "schedule", "every": 4}]}}
    together = {DEFAULT: said, HALF: half, EVERY_FOUR: seldom}
    if name != "original":
        del together[EVERY_FOUR]
    group = cache(partial(ours.pipelines, declared=together))
    found = [
        Policy(name=one, run=partial(_one_of, group, one), said=repr(declared), hangs_on=source_of())
        for one, declared in together.items()
    ]
    found.append(
        Policy(name=ALARMED, run=partial(_alone, ALARMED, _ALARMED), said=repr(_ALARMED), hangs_on=source_of())
    )
    on = source_of("candidates")
    found += [
        Policy(name=fixed, run=partial(ours.fixed, declared=one), said=repr(one), hangs_on=on)
        for fixed, one in _FIXED.items()
    ]
    first = _FIXED["linear, 1"]
    frozen = partial(ours.fixed, declared=first, once=True)
    found.append(Policy(name="frozen: linear, 1", run=frozen, said=f"once {first!r}", hangs_on=on))
    source = Path(peers.__file__).read_text(encoding="utf-8")
    found += [
        Policy(name=peer, run=run, said=peer, hangs_on=f"{_version(peer)} {source}", rows=_PEERS_ROWS)
        for peer, run in peers.PEERS.items()
    ]
    return found


def _one_of(group: Callable[[Course], dict[str, Outcome]], name: str, course: Course) -> Outcome:
    return group(course)[name]


def _alone(name: str, declared: dict[str, Any], course: Course) -> Outcome:
    return ours.pipelines(course, {name: declared})[name]


def _version(peer: str) -> str:
    try:
        return version(peer.partition(" ")[0].lower())
    except PackageNotFoundError:
        return "none"
