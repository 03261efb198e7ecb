"""Alembic's entry: `outbox_migrations.migrate` hands it an open connection."""

from alembic import context

from adapters.outbox_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it again
)
with context.begin_transaction():
    context.run_migrations()
