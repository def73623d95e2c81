"""Segments that the champion of the whole serves."""

from alembic import op

from heliotrope.sql import migration

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables of 0006_segments.sql."""
    # The driver itself, without parameters, as in 0001.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0006_segments"))
