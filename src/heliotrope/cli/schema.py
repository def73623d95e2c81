"""The ledger's tables."""

from __future__ import annotations

from heliotrope.cli import options
from heliotrope.cli.session import Session

__all__ = ["migrate"]


def migrate(database: options.Database = None, as_json: options.Json = False) -> None:
    """Make the ledger's tables, or bring them up to date.

    Verbs that write do so themselves; this is for a role that may do nothing else.

    \b
    Example:
      heliotrope migrate
    """
    from heliotrope.ledger import CURRENT
    from heliotrope.ledger import migrate as bring_up

    session = Session(database, as_json)
    changed = bring_up(session.database)
    session.output.document({"version": CURRENT, "changed": changed})
    session.output.say(f"the ledger is {'now of' if changed else 'already of'} version {CURRENT}")
