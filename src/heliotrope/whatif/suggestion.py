"""The recommended policy as a pipeline's file: the declared one with the chosen parts, and the figures as a comment."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from heliotrope.errors import counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.whatif.trial import Trial

__all__ = ["changes", "text"]


def text(declared: Pipeline, trial: Trial) -> str:
    """The file. Its comment says what the figures are of, and what they are not."""
    lines = [f"# {line}" for said in _figures(declared, trial) for line in textwrap.wrap(said, 110)]
    chosen = _written(declared) | changes(declared, trial.verdict.recommended.policy.pipeline)
    body = yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return "\n".join(lines) + "\n" + body


def changes(declared: Pipeline, chosen: Pipeline) -> dict[str, Any]:
    """The keys of the declaration that are others in the chosen pipeline, as they would be written."""
    was, now = declared.model_dump(mode="json"), chosen.model_dump(mode="json")
    written, chosen_so = _written(declared), _written(chosen)
    found: dict[str, Any] = {}
    if was["candidates"] != now["candidates"]:
        pairs = zip(written["candidates"], was["candidates"], strict=True)
        before = {one["name"]: (said, one["window"]) for said, one in pairs}
        found["candidates"] = [
            said if window == one["window"] else said | {"window": _set(anew["window"])}
            for one, anew in zip(now["candidates"], chosen_so["candidates"], strict=True)
            for said, window in [before[one["name"]]]
        ]
    for key in ("trigger", "gate"):
        if was[key] != now[key]:
            found[key] = _set(chosen_so.get(key, now[key]))
    return found


def _written(pipeline: Pipeline) -> dict[str, Any]:
    """The declaration without what was left to its default."""
    return pipeline.model_dump(mode="json", exclude_unset=True)


def _set(value: Any) -> Any:
    """Without keys that are null: they were not given."""
    if isinstance(value, Mapping):
        return {key: _set(one) for key, one in value.items() if one is not None}
    return [_set(one) for one in value] if isinstance(value, list) else value


def _figures(declared: Pipeline, trial: Trial) -> Iterator[str]:
    verdict = trial.verdict
    chosen, running, best = verdict.recommended, verdict.running, verdict.best
    count = int(verdict.kept.sum())
    yield (
        f"Written by `heliotrope whatif` from {counted(len(verdict.policies), 'policy', 'policies')} over "
        f"{counted(count, 'scored interval')}, "
        f"{format_time(trial.span[0].start)} to {format_time(trial.span[-1].end)}."
    )
    for label, one in (("Chosen", chosen), ("Declared", running), ("Best", best)):
        yield (
            f"{label}: {one.policy.name}: mean {declared.metric} {one.mean:.4f} (standard error "
            f"{one.standard_error:.4f}), {counted(one.run.trainings, 'training')}, "
            f"{one.run.fit_seconds:.2f} s of fitting."
        )
    yield (
        f"The best was better than the chosen one by {chosen.behind.mean:.4f}, with a standard error of "
        f"{chosen.behind.standard_error:.4f} over the same intervals: chosen is the cheapest policy within one such "
        "error, as the best of many is in part the luckiest. All of it is said of the past."
    )
