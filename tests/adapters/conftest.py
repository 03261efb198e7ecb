"""Where an outbox is kept: whoever asks for `place` runs with both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
async def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Path | str]:
    """Lend a file, or the URL of a database, of an outbox."""
    if request.param == "sqlite":
        yield tmp_path / "outbox.sqlite"
        return
    server = request.getfixturevalue("postgresql")
    url = await server.with_tables()
    yield url
    await server.drop(url)
