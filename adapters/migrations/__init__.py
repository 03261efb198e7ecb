"""Alembic revisions of the outbox."""
