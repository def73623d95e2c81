"""Messages, and what became of them."""

from alembic import op

from heliotrope.sql import migration

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables of 0005_messages.sql."""
    # The driver itself, without parameters, as in 0001.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0005_messages"))
