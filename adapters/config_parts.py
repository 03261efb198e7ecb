"""Parts of configurations: logins, sinks, members, databases. Secrets are paths."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.record import Org


class KeyPlace(str):
    """Where a private key is: a file, or an object in a token (`broker.key_uri`)."""

    __slots__ = ()


Listen = Annotated[str, Meta(pattern=r"^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}\Z")]


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where RabbitMQ is and how to log in.

    Attributes:
        url: `amqp://host:5672/vhost` or `amqps://...`, without user or password.
        urls: Instead of it, those of a cluster's nodes: when one does not answer, or
            the connection is lost, the next is tried. Login and TLS hold for all.
        user: Login; the organisation for members.
        password_file: Mode 0600. Either this, or the next two, which need amqps.
        cert_file: Certificate of this login.
        key_file: Its private key, mode 0600.
        ca_file: Authorities to trust of amqps instead of the system's.
    """

    url: str | UnsetType = UNSET
    urls: Annotated[tuple[str, ...], Meta(min_length=1, max_length=9)] | UnsetType = (
        UNSET
    )
    user: str
    password_file: Path | UnsetType = UNSET
    cert_file: Path | UnsetType = UNSET
    key_file: Path | UnsetType = UNSET
    ca_file: Path | UnsetType = UNSET


class FileSinkConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="file"
):
    """Deliveries as files in a folder of the member's own."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]
    folder: Path


class WebhookSinkConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"
):
    """Deliveries as signed HTTP posts (Standard Webhooks).

    Attributes:
        secret_file: `whsec_...`, mode 0600.
        allow_private: The operator lets it reach private and loopback addresses
            and plain HTTP.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]
    url: str
    secret_file: Path
    allow_private: bool = False


class AmqpSinkConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="amqp"
):
    """Deliveries as messages in the member's own queue of the hub's RabbitMQ.

    `tocsin.out.<org>`, which `tocsin broker apply` makes; at most one a member.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]


SinkConfig = FileSinkConfig | WebhookSinkConfig | AmqpSinkConfig


class MemberConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A member served by an adapter.

    Attributes:
        interests: Its own filter (`adapters.interests_file`); all, if not given.
        heartbeats: Which heartbeats it gets: those after which something is missing
            or has come at last, all of them, or none.
        bare: Whether they come with the bare JWT of what its interests miss; needs
            the adapter's `archive`.
    """

    org: Org
    sinks: Annotated[tuple[SinkConfig, ...], Meta(min_length=1)]
    interests: Path | UnsetType = UNSET
    heartbeats: Literal["gaps", "all", "none"] = "gaps"
    bare: bool = False


class ReviewerConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A person who may agree to show what the policy holds.

    Attributes:
        name: As the person's key has it: `<name>/<thumbprint>`.
        key: The public key, `<name>.jwk` as keygen writes it.
    """

    name: Org
    key: Path


class DatabaseConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A PostgreSQL database that several processes of an adapter share.

    Attributes:
        url: `postgresql://user@host:5432/database`, without a password.
        password_file: Mode 0600.
    """

    url: str
    password_file: Path | UnsetType = UNSET
