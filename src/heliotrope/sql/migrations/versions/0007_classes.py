"""The classes met until a champion began to serve."""

from alembic import op

from heliotrope.sql import migration

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of 0007_classes.sql."""
    # The driver itself, without parameters, as in 0001.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0007_classes"))
