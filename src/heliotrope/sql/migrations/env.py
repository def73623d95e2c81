"""Alembic's entry: runs the migrations on the connection that heliotrope.ledger.migrate hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="heliotrope")
with context.begin_transaction():
    context.run_migrations()
