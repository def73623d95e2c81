"""Many cycles as a table and a few figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from heliotrope.cli.document import drift_text, is_refresh, rescored, score, seconds_text, total
from heliotrope.cli.output import Output, number
from heliotrope.errors import counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.cli.replaying import Replayed
    from heliotrope.ledger import CycleSummary

__all__ = ["SHOWN", "failures", "say_failures", "say_problems", "say_summary", "summary_document", "table"]

SHOWN = 60
"""How many cycles a table holds before its middle is left out."""
_DONE = {"drop": "dropped", "allow": "allowed"}
_AGAIN = 5  # intervals scored again that are named


def table(
    output: Output, summaries: Sequence[CycleSummary], metric: str, best: float | None, *, every: bool = False
) -> None:
    """The cycles as a table; of a long range the first and the last ones."""
    headers = ["interval", "champion", metric, *([] if best is None else ["best"]), "drift", "decision", "seconds"]
    rows = []
    for one in summaries:
        row = [format_time(one.interval.start), (one.served or {"candidate": "-"})["candidate"]]
        row += [number(score(one, metric)) + ("*" if one.rescored else "") + ("?" if one.provisional else "")] + (
            [] if best is None else [number(best)]
        )
        row += [drift_text(one), one.did, f"{sum(one.seconds.values()):.3f}"]
        rows.append(row)
    if len(rows) > SHOWN and not every:
        half = SHOWN // 2
        middle = [f"... {len(rows) - 2 * half} more", *[""] * (len(headers) - 1)]
        rows = [*rows[:half], middle, *rows[-half:]]
    output.table(headers, rows, right=(metric, "best", "seconds"))
    again = [f"{format_time(one.interval.start)} {number(rescored(one, metric))}" for one in summaries if one.rescored]
    if again:
        more = f" and {len(again) - _AGAIN} more" if len(again) > _AGAIN else ""
        output.say(f"* scored again when rows had come late: {', '.join(again[:_AGAIN])}{more}")

    waiting = [
        f"{format_time(one.interval.start)} {counted(one.provisional, 'row')}" for one in summaries if one.provisional
    ]
    if waiting:
        more = f" and {len(waiting) - _AGAIN} more" if len(waiting) > _AGAIN else ""
        output.say(f"? provisional, for want of labels: {', '.join(waiting[:_AGAIN])}{more}")


def failures(summaries: Sequence[CycleSummary]) -> dict[str, dict[str, Any]]:
    """By candidate that failed: in how many cycles, the latest of them, and what failed there."""
    found: dict[str, dict[str, Any]] = {}
    for one in summaries:
        for name, failure in one.failed.items():
            count = found[name]["cycles"] + 1 if name in found else 1
            found[name] = {"cycles": count, "latest": one.interval, "failure": failure}
    return found


def say_problems(output: Output, summaries: Sequence[CycleSummary]) -> None:
    """What validation found in the cycles: a line for each rule and column, with rows and intervals."""
    found: dict[tuple[str, str, str], list[tuple[CycleSummary, Any]]] = {}
    for one in summaries:
        for problem in one.problems:
            key = (str(problem["rule"]), str(problem["column"] or ""), str(problem["done"]))
            found.setdefault(key, []).append((one, problem))
    for (rule, column, done), seen in sorted(found.items()):
        last, latest = seen[-1]
        where = f" in {column}" if column else ""
        detail = f": {latest['detail']}" if latest["detail"] else ""
        rows = counted(sum(problem["rows"] for _, problem in seen), "row")
        what = "held" if done == "hold" else f"{rows} {_DONE.get(done, done)} in"
        what = f"{what} {counted(len(seen), 'interval')}"
        output.say(f"{rule}{where}: {what}, last in {last.interval}{detail}")


def say_failures(output: Output, summaries: Sequence[CycleSummary]) -> None:
    """The same for people: a line for all, and one for each with its latest failure."""
    found = failures(summaries)
    if not found:
        return
    affected = sum(bool(one.failed) for one in summaries)
    output.say(f"{counted(len(found), 'candidate')} failed in {counted(affected, 'cycle')}:")
    for name, said in found.items():
        when = f"{counted(said['cycles'], 'time')}, last in {said['latest']}"
        output.say(f"  {name}, {when}: {said['failure']}")
    hopeless = sum(one.all_failed for one in summaries)
    if hopeless:
        output.say(f"in {counted(hopeless, 'cycle')} no candidate could be fitted")


def summary_document(summaries: Sequence[CycleSummary], metric: str, done: Replayed) -> dict[str, Any]:
    """The range in a few figures. The mean leaves out the intervals that had no champion yet, or were held."""
    scores = [value for one in summaries if (value := score(one, metric)) is not None]
    actions = [decision["action"] for one in summaries for decision in one.decisions]
    ran = set(done.ran)
    refreshed = sum(is_refresh(one) for one in summaries)
    return {
        "cycles": len(summaries),
        "metric": metric,
        "mean": sum(scores) / len(scores) if scores else None,
        "scored": len(scores),
        "trained": sum(one.trained for one in summaries),
        "promoted": actions.count("promote") - refreshed,
        "refreshed": refreshed,
        "rolled_back": sum(one.rolled_back for one in summaries),
        "held": actions.count("hold"),
        "failed": failures(summaries),
        "all_failed": sum(one.all_failed for one in summaries),
        "seconds": total(one.seconds for one in summaries if one.interval in ran),
        "cycle_seconds": done.cycle_seconds,
        "picture_seconds": done.picture_seconds,
        "registry_seconds": done.registry_seconds,
    }


def say_summary(output: Output, summaries: Sequence[CycleSummary], metric: str, done: Replayed) -> None:
    """The same for people."""
    said = summary_document(summaries, metric, done)
    output.say()
    output.say(f"mean {metric} {number(said['mean'])} over {counted(said['scored'], 'interval')}")
    did = ("trained", "promoted", "refreshed", "rolled_back", "held")
    output.say(", ".join(f"{said[one]} {one.replace('_', ' ')}" for one in did if said[one] or one != "rolled_back"))
    say_problems(output, summaries)
    say_failures(output, summaries)
    passed = f", {len(done.passed_over)} done before" if done.passed_over else ""
    waiting = f"; {counted(done.unregistered, 'champion')} still to be registered" if done.unregistered else ""
    output.say(f"{counted(len(done.ran), 'cycle')} run{passed}{waiting}")
    if done.ran:
        output.say(
            f"seconds: cycles {done.cycle_seconds:.2f}, pictures {done.picture_seconds:.2f}, "
            f"then waited for the registry {done.registry_seconds:.2f}"
        )
        rest = max(done.cycle_seconds - sum(said["seconds"].values()), 0.0)
        output.say(f"  of the cycles: {seconds_text(said['seconds'] | {'locks and writing': rest})}")
