"""How the gate's challengers stand against the champion, kept from one gate to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from heliotrope.evidence.contest import Contest

__all__ = ["Standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A contest, and by challenger the mark of the two procedures that it compares.

    Evidence belongs to a pair of procedures and a loss: where another candidate has become champion, or one of them or
    the metric is declared otherwise now, the mark is another one and that comparison begins anew. What was staked
    before stays staked: the budget goes on.

    >>> from heliotrope.evidence.budget import Rate
    >>> from heliotrope.evidence.contest import Counts
    >>> met = {"a": Counts(30, 14, 900), "b": Counts(20, 22, 900)}
    >>> standing = Standing(marks={"a": "1", "b": "2"}, contest=Contest().after(met, Rate(100)))
    >>> sorted(standing.resumed({"a": "1", "b": "3"}).evidence)
    ['a']
    >>> Standing.parse(standing.plain()) == standing
    True
    """

    marks: Mapping[str, str] = field(default_factory=dict)
    contest: Contest = field(default_factory=Contest)

    def resumed(self, marks: Mapping[str, str]) -> Contest:
        """The contest, with the evidence that is still about the pairs ``marks``."""
        same = {name: one for name, one in self.contest.evidence.items() if marks.get(name) == self.marks.get(name)}
        return Contest(budget=self.contest.budget, evidence=same)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"marks": dict(self.marks), **self.contest.plain()}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave. Raises KeyError or TypeError for anything else."""
        return cls(marks=dict(plain["marks"]), contest=Contest.parse(plain))
