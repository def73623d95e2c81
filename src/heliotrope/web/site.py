"""What all pages of one app share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from heliotrope.config import Pipeline, parse
from heliotrope.database import Database
from heliotrope.ledger.overview import Known
from heliotrope.web.connections import Connections
from heliotrope.web.mount import Mount

__all__ = ["Site"]


@dataclass(kw_only=True)
class Site:
    """One database, the folder of its models, and the clock."""

    database: Database
    connections: Connections
    folder: Path
    mount: Mount
    clock: Callable[[], datetime]
    ended: bool = False
    """Whether the app is being shut down: what goes on without an end, ends then."""
    watching: int = 0
    """How many browsers are told of progress as it is made."""
    _declared: dict[int, Pipeline] = field(default_factory=dict)

    def declared(self, known: Known) -> Pipeline:
        """The declaration in force. Raises ConfigError for one that this version cannot read."""
        if known.version not in self._declared:
            self._declared[known.version] = parse(known.config, where=f"the record of {known.name}")
        return self._declared[known.version]
