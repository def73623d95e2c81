"""Declarations as a log, and the declaration of a batch."""

from alembic import op

from heliotrope.sql import migration

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Change the tables as 0002_declarations.sql says."""
    # The driver itself, without parameters, as in 0001.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0002_declarations"))
