"""Which outbox an adapter's configuration names: a file, or a database."""

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from adapters.config_parts import DatabaseConfig
from adapters.config_use import gaps_of, outbox_of
from broker.errors import ConfigError
from tests.support.adapter_config import adapter_config, served

URL = "postgresql://tocsin@127.0.0.1/hub"


@pytest.fixture
def config(tmp_path):
    return adapter_config(tmp_path, members=(served("ngo-a", tmp_path),))


def test_a_file_is_named(config, tmp_path):
    assert outbox_of(config) == (tmp_path / "outbox.sqlite", None)
    assert gaps_of(config) == tmp_path / "outbox.sqlite.gaps"


def test_a_database_is_named_and_its_password_is_in_a_file(config, tmp_path):
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    database = DatabaseConfig(url=URL, password_file=path)
    named = replace(config, outbox=UNSET, database=database)
    assert outbox_of(named) == (URL, "s3cret")
    without = replace(named, database=DatabaseConfig(url=URL))
    assert outbox_of(without) == (URL, None)
    with pytest.raises(ConfigError, match="gaps must name a file"):
        gaps_of(named)
    path.write_bytes(b"s\xffcret")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        outbox_of(named)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="readable by others"):
        outbox_of(named)


def test_neither_and_both_are_refused(config):
    for odd in (
        replace(config, outbox=UNSET),
        replace(config, database=DatabaseConfig(url=URL)),
    ):
        with pytest.raises(ConfigError, match="needs outbox"):
            outbox_of(odd)
