"""A configuration of an adapter whose files all lie in one folder."""

from pathlib import Path
from typing import Any

from adapters.config import AdapterConfig
from adapters.config_parts import Broker, FileSinkConfig, MemberConfig


def adapter_config(folder: Path, **more: Any) -> AdapterConfig:
    return AdapterConfig(
        name="main",
        org="hub",
        display_name="Hub",
        directory=folder,
        key=folder / "hub.key",
        id_key=folder / "ids",
        pseudonym_keys=folder / "pseudonyms",
        outbox=folder / "outbox.sqlite",
        broker=Broker(url="amqp://127.0.0.1/", user="x", password_file=folder / "pw"),
        **more,
    )


def served(org: str, folder: Path, **more: Any) -> MemberConfig:
    """Give a member with one sink, a folder."""
    return MemberConfig(
        org=org, sinks=(FileSinkConfig(name="files", folder=folder),), **more
    )
