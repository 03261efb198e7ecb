"""Brings the tables of an outbox to what this Tocsin knows, by Alembic. Edge."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from adapters import migrations
from broker.errors import ConfigError

_FOLDER: Final = Path(next(iter(migrations.__path__)))
# The form before Alembic kept a number of its own.
_BEFORE: Final = "schema_version"
_BEFORE_IS: Final = 2


def migrate(connection: Connection) -> None:
    """Create the tables, or bring them up to date, within the caller's transaction.

    Raises:
        ConfigError: Made by a newer Tocsin, or by one before the first release.
    """
    # Takes a tenth of a second to import, and most commands need no outbox.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        if inspect(connection).has_table(_BEFORE):
            _take_over(connection)
            command.stamp(config, "0001")
        command.upgrade(config, "head")
    except CommandError:
        raise ConfigError(
            "the outbox was made by a newer Tocsin; use that one, or restore the backup "
            "from before it ran"
        ) from None


def is_current(connection: Connection) -> bool:
    """Tell whether the tables are those that this Tocsin knows, changing nothing."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    found = MigrationContext.configure(connection).get_current_revision()
    return found is not None and found == ScriptDirectory(_FOLDER).get_current_head()


def _take_over(connection: Connection) -> None:
    found = connection.scalar(text(f"SELECT version FROM {_BEFORE}")) or 0  # noqa: S608
    if found != _BEFORE_IS:
        word = "newer" if found > _BEFORE_IS else "older"
        raise ConfigError(
            f"the outbox has schema version {found}, {word} than {_BEFORE_IS}; let the "
            "Tocsin that made it send what is pending, then begin a new one"
        )
    connection.execute(text(f"DROP TABLE {_BEFORE}"))
