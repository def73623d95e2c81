"""What is printed: a table a course, one over all of them, and the limits with whether each is met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prequential.course import Course, Outcome
from prequential.peers import PEERS
from prequential.policies import ALARMED, DEFAULT, EVERY_FOUR, HALF, ONE_IN, fixed

__all__ = ["Check", "checks", "course_table", "markdown", "summary"]

Found = Mapping[str, tuple[Course, Mapping[str, Outcome]]]


@dataclass(frozen=True, slots=True)
class Check:
    """A limit; ``met`` is None where what it needs was not run."""

    what: str
    value: str
    limit: str
    met: bool | None

    @property
    def line(self) -> str:
        """As it is printed."""
        said = {True: "met", False: "MISSED", None: "not run"}[self.met]
        return f"  {self.what:<66} {self.value:>9} {self.limit:>12}  {said}"


def course_table(course: Course, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Every policy's figures on one course, the best first."""
    best = best_fixed(outcomes)
    heads = ("accuracy", "kappa-t", "trained", "alarms", "changes", "seconds", "to best")
    yield f"  {'':<36}" + "".join(f" {head:>9}" for head in heads)
    for name, one in sorted(outcomes.items(), key=lambda item: -item[1].accuracy):
        kappa = f"{one.kappa_temporal(course.no_change):.3f}" if course.ordered else ""
        behind = f"{one.accuracy - outcomes[best].accuracy:+.4f}" if best else ""
        mark = "*" if name == best else ">" if name == DEFAULT else " "
        yield (
            f"{mark} {name:<36} {one.accuracy:9.4f} {kappa:>9} {one.trainings:9d} {one.alarms:9d} {one.changes:9d} "
            f"{one.seconds:9.1f} {behind:>9}"
        )
    if course.ordered:
        yield f"  {'as the row before, told at once':<36} {course.no_change:9.4f}"
    if course.best is not None:
        yield f"  {'the best possible':<36} {course.best:9.4f}"


def best_fixed(outcomes: Mapping[str, Outcome]) -> str | None:
    """The single candidate that hindsight would have trained at every interval."""
    there = [name for name in fixed() if name in outcomes]
    return max(there, key=lambda name: outcomes[name].accuracy) if there else None


def summary(found: Found) -> Iterator[str]:
    """The default beside the best of each kind, course by course."""
    yield f"{'':<26} {'default':>8} {'trained':>10} {'half':>8} {'best fixed':>34} {'best peer':>32}"
    for course, outcomes in found.values():
        default = outcomes.get(DEFAULT)
        if default is None:
            continue
        half, best = outcomes.get(HALF), best_fixed(outcomes)
        peer = max((name for name in PEERS if name in outcomes), key=lambda name: outcomes[name].accuracy, default=None)
        yield (
            f"{course.title:<26} {default.accuracy:8.4f} {default.trainings:5d}/{len(course.batches) - 1:<4d} "
            f"{'' if half is None else f'{half.accuracy:.4f}':>8} "
            f"{'' if best is None else f'{best} {outcomes[best].accuracy:.4f}':>34} "
            f"{'' if peer is None else f'{peer} {outcomes[peer].accuracy:.4f}':>32}"
        )


def checks(found: Found) -> list[Check]:
    """The limits of the issue."""
    said = [
        _at_least("the original: default", _accuracy(found, "original", DEFAULT), 0.965),
        _at_least("the original: at most one training in four hours", _accuracy(found, "original", EVERY_FOUR), 0.960),
    ]
    ours = _accuracy(found, "elec2_days", DEFAULT)
    for peer in PEERS:
        theirs = _accuracy(found, "elec2_days", peer)
        said.append(_at_least(f"Elec2 by days: above {peer}", ours, None if theirs is None else theirs + 1e-9))
    said.append(_at_least("Luxembourg: default", _accuracy(found, "luxembourg", DEFAULT), 1.0))
    for course, outcomes in found.values():
        if DEFAULT in outcomes:
            said += _of_course(course, outcomes)
    return said


def _of_course(course: Course, outcomes: Mapping[str, Outcome]) -> Iterator[Check]:
    default, half, best = outcomes[DEFAULT], outcomes.get(HALF), best_fixed(outcomes)
    if best is not None:
        gap = default.accuracy - outcomes[best].accuracy
        yield _at_least(f"{course.title}: to the best fixed, {best}", gap, -0.005)
    if half is not None:
        yield _at_least(f"{course.title}: half of the trainings", half.accuracy - default.accuracy, -0.002)
    alarmed = outcomes.get(ALARMED)
    if course.still and alarmed is not None:
        share = 1 - alarmed.alarms / (len(course.batches) - 1)
        yield _at_least(f"{course.title}: intervals without a false alarm", share, 1 - 1 / ONE_IN, ".3f")


def _accuracy(found: Found, course: str, policy: str) -> float | None:
    outcome = found[course][1].get(policy) if course in found else None
    return None if outcome is None else outcome.accuracy


def _at_least(what: str, value: float | None, limit: float | None, form: str = ".4f") -> Check:
    if value is None or limit is None:
        return Check(what, "", "", None)
    return Check(what, f"{value:{form}}", f">= {limit:{form}}", value >= limit - 1e-12)


def markdown(found: Found, limits: list[Check]) -> str:
    """Tables for the docs."""
    courses = [course for course, _ in found.values()]
    titles = [course.title + (f" ({course.sampled})" if course.sampled else "") for course in courses]
    lines = _table("policy", titles)
    for name in dict.fromkeys(name for _, outcomes in found.values() for name in outcomes):
        lines.append(_row(name, [_accuracy_cell(outcomes, name) for _, outcomes in found.values()]))
    lines.append(_row("the best possible", ["" if one.best is None else f"{one.best:.4f}" for one in courses]))
    lines += ["", *_table("of the default", titles)]
    lines += [_row(what, cells) for what, cells in _default_rows(found)]
    lines += ["", "| limit | found | asked | |", "| --- | --- | --- | --- |"]
    lines += [
        _row(one.what, [one.value, one.limit, "met" if one.met else "**missed**"])
        for one in limits
        if one.met is not None
    ]
    return "\n".join(lines) + "\n"


def _default_rows(found: Found) -> Iterator[tuple[str, list[str]]]:
    ran = [(course, outcomes[DEFAULT]) for course, outcomes in found.values() if DEFAULT in outcomes]
    yield "trainings", [f"{one.trainings} of {len(course.batches) - 1}" for course, one in ran]
    yield "changes of candidate", [str(one.changes) for _, one in ran]
    kappas = [(course.ordered, one.kappa_temporal(course.no_change)) for course, one in ran]
    yield "kappa-temporal", [f"{kappa:.3f}" if ordered else "" for ordered, kappa in kappas]
    yield "seconds", [f"{one.seconds:.0f}" for _, one in ran]


def _accuracy_cell(outcomes: Mapping[str, Outcome], name: str) -> str:
    if name not in outcomes:
        return ""
    value = outcomes[name].accuracy
    top = value >= max(other.accuracy for other in outcomes.values()) - 5e-5
    return f"**{value:.4f}**" if top else f"{value:.4f}"


def _table(what: str, titles: list[str]) -> list[str]:
    return [_row(what, titles), "| --- |" + " --- |" * len(titles)]


def _row(what: str, cells: list[str]) -> str:
    return f"| {what} | " + " | ".join(cells) + " |"
