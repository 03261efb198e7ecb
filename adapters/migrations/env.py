"""Alembic's entry: `outbox_migrations.migrate` hands it an open connection."""

from alembic import context
from alembic.config import Config

from adapters.outbox_schema import metadata


def _run(config: Config) -> None:
    context.configure(
        connection=config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,  # SQLite alters a table by making it again
    )
    with context.begin_transaction():
        context.run_migrations()


try:
    _config: Config | None = context.config
except AttributeError:  # imported by somebody else, not run by Alembic
    _config = None
if _config is not None:
    _run(_config)
