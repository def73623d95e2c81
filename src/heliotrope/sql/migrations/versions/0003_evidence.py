"""Evidence, and how challengers stand."""

from alembic import op

from heliotrope.sql import migration

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Change the tables as 0003_evidence.sql says."""
    # The driver itself, without parameters, as in 0001.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "a migration runs on a connection"
    driver.execute(migration("0003_evidence"))
