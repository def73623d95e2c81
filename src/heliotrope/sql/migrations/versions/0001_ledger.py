"""The ledger."""

from alembic import op

from heliotrope.sql import migration

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of 0001_ledger.sql."""
    # The driver itself, without parameters: SQLAlchemy would take the % signs of the text for placeholders.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0001_ledger"))
