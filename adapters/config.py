"""Configuration of publisher, gate and adapter: one frozen struct each, from TOML.

Relative paths count from the folder of the configuration file. Secrets are paths.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from adapters.config_parts import (
    Broker,
    DatabaseConfig,
    KeyPlace,
    Listen,
    MemberConfig,
    ReviewerConfig,
)
from adapters.pseudonyms import Length
from broker.errors import ConfigError
from broker.key_uri import is_uri
from broker.quota import Quota
from broker.retention import Retention
from schemas.record import Org

AdapterName = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]


class PublisherConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What `tocsin publish` needs.

    Attributes:
        publisher: Names this installation within the organisation.
        key: Its private key: a file of mode 0600, or a `pkcs11:` URI.
        key_passphrase_file: Mode 0600; for a key that is under a passphrase.
        state: SQLite file: counter, outbox, blind map.
        directory: Where the own key stands with its end; without it, nothing warns.
        identity: Id that the organisation's tools give its own STIX identity.
    """

    org: Org
    key: KeyPlace
    state: Path
    broker: Broker
    directory: Path | UnsetType = UNSET
    key_passphrase_file: Path | UnsetType = UNSET
    identity: (
        Annotated[str, Meta(pattern=r"^identity--[0-9a-f-]{36}\Z")] | UnsetType
    ) = UNSET
    publisher: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")] = "main"


class GateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `tocsin gate run` needs.

    Attributes:
        org: The hub, as `directory/services/` names it; signs the chain.
        key: Its private key: a file of mode 0600, or a `pkcs11:` URI.
        key_passphrase_file: Mode 0600; for a key that is under a passphrase.
            oversight: Members that are sent every proof that an issuer has said two things.
        retention: For how long the archive can be read.
        status: As `AdapterConfig.status`.
        adapters: Names of the hub's adapters, whose queues are watched with the gate's:
            one that does not run cannot tell how full its own is.
    """

    org: Org
    key: KeyPlace
    directory: Path
    state: Path
    archive: Path
    broker: Broker
    key_passphrase_file: Path | UnsetType = UNSET
    quota: Quota = Quota()
    oversight: tuple[Org, ...] = ()
    adapters: tuple[AdapterName, ...] = ()
    retention: Retention = Retention()
    status: Listen | UnsetType = UNSET


class AdapterConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What `tocsin adapter run` needs.

    Attributes:
        name: Its queues are `tocsin.adapter.<name>` and `.urgent`.
        org: Who runs it; signs receipts, authors projections.
        key: Its private key: a file of mode 0600, or a `pkcs11:` URI.
        key_passphrase_file: Mode 0600; for a key that is under a passphrase.
        id_key: File of at least 32 random bytes, mode 0600: projected ids derive
            from it, for ever.
        pseudonym_keys: Folder of the keys of pseudonyms, one a period; the adapter
            makes and destroys them.
        pseudonym_period: How long a value has the same pseudonym.
        keep_periods: So many keys are kept, this period's among them. At least 2:
            what came before the turn of a period may still wait in a queue.
        outbox: SQLite file of the deliveries. Or:
        database: PostgreSQL for them; then the adapter may run in several processes.
        workers: So many of them `tocsin adapter run` starts, and starts again.
        policy_id: Name of the directory's redaction policy to apply; not needed where
            there is one alone.
        policy: A file instead (`adapters.policy_choice`), for trials: with a directory
            that groups sign it must be one of theirs.
        batch: Messages stored together at most; `pipeline.take` ends earlier for
            large ones.
        prefetch: Messages in memory at most, of each of the two queues; fewer while
            they are large, so that they make 64 MiB of each at most. For a moment it
            can be 2 x 50 bodies of at most 16 MiB: when the largest come right behind
            small ones. What is being decided comes on top: one batch of each queue.
        recogniser: Folder of a spaCy model that finds names in texts (the extra `ner`).
        reviews: SQLite file of what waits for persons; without it, what the policy
            holds is dropped.
        reviewers: Who may agree.
        heads: File of the heads of the gate's chain that records came with; without
            it, the adapter keeps none.
        gaps: SQLite file of what heartbeats list and never came; beside the outbox,
            if not given. With `database` it must be named; processes on one machine
            share it.
        archive: The gate's archive. What is missing is taken from it; without, it is
            an alarm only.
        missing_after_s: So long after a heartbeat a record that it lists may be on its
            way: in the other queue, or behind a burst.
        keep_days: So long after a delivery is settled its bodies stay in the
            outbox; its row stays for good.
        retention: For how long bodies stay there at most, once nothing of their
            record has to be sent; of use where it is less than `keep_days`.
        status: `host:port` at which it answers /healthz, /readyz and /metrics, to
            whoever reaches it; nowhere if not given.
    """

    name: AdapterName
    org: Org
    display_name: str
    directory: Path
    key: KeyPlace
    id_key: Path
    pseudonym_keys: Path
    broker: Broker
    members: Annotated[tuple[MemberConfig, ...], Meta(min_length=1)]
    outbox: Path | UnsetType = UNSET
    database: DatabaseConfig | UnsetType = UNSET
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    key_passphrase_file: Path | UnsetType = UNSET
    pseudonym_period: Length = "quarter"
    keep_periods: Annotated[int, Meta(ge=2, le=100)] = 2
    policy: Path | UnsetType = UNSET
    policy_id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,40}\Z")] | UnsetType = (
        UNSET
    )
    batch: Annotated[int, Meta(ge=1, le=1000)] = 25
    prefetch: Annotated[int, Meta(ge=1, le=5000)] = 50
    recogniser: Path | UnsetType = UNSET
    reviews: Path | UnsetType = UNSET
    reviewers: tuple[ReviewerConfig, ...] = ()
    heads: Path | UnsetType = UNSET
    gaps: Path | UnsetType = UNSET
    archive: Path | UnsetType = UNSET
    missing_after_s: Annotated[int, Meta(ge=0, le=86_400)] = 300
    keep_days: Annotated[int, Meta(ge=0, le=3650)] = 7
    retention: Retention = Retention()
    status: Listen | UnsetType = UNSET


class AdmissionConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What `tocsin broker apply` needs.

    Attributes:
        adapters: Every adapter of the hub.
        management: RabbitMQ's management API, `https://host:15671`; plain http on
            this machine alone. Of a cluster several: the first that answers.
        user: An administrator of RabbitMQ that is no login of Tocsin's.
        password_file: Mode 0600.
        ca_file: Authorities to trust of https instead of the system's.
        by_password: Logins with a password; all others need a certificate.
        passwords: Folder of `<login>.password`; missing ones are made, mode 0600.
        out: Members with a queue of deliveries, by the adapter that serves them.
    """

    directory: Path
    adapters: Annotated[tuple[str, ...], Meta(min_length=1)]
    management: str | Annotated[tuple[str, ...], Meta(min_length=1, max_length=9)]
    user: str
    password_file: Path
    ca_file: Path | UnsetType = UNSET
    vhost: Annotated[str, Meta(min_length=1, max_length=255)] = "/"
    by_password: tuple[str, ...] | Literal["all"] = ()
    passwords: Path | UnsetType = UNSET
    out: dict[str, tuple[Org, ...]] = {}


class OperatorConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What `tocsin dead-letters` and `erase` need: the login `operator`.

    Attributes:
        adapters: Every adapter of the hub, for orders to all of them.
    """

    broker: Broker
    adapters: tuple[AdapterName, ...] = ()


class ReceiverConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What `tocsin receive` needs; the file of a publisher serves, too.

    Attributes:
        directory: With the keys of issuers and of the hub.
    """

    org: Org
    directory: Path
    broker: Broker
    # A publisher's, not used here.
    key: KeyPlace | UnsetType = UNSET
    key_passphrase_file: Path | UnsetType = UNSET
    state: Path | UnsetType = UNSET
    identity: str | UnsetType = UNSET
    publisher: str | UnsetType = UNSET


class PollConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `tocsin poll` needs: one TAXII 2.1 collection.

    Attributes:
        url: Of the collection: `https://host/api-root/collections/<id>/`.
        state: SQLite file: what came, and where the poll stands.
        out: Folder for the records.
        name: What reports call the collection; its id, if not given.
        user, password_file: HTTP Basic; the file has mode 0600.
        token_file: Bearer token instead, mode 0600.
        ca: Certificates (PEM) of authorities to trust instead of the system's.
        limit: Objects per page.
        allow_private: The operator lets it reach private and loopback addresses
            and plain HTTP.
    """

    url: str
    state: Path
    out: Path
    name: Annotated[str, Meta(max_length=150)] = ""
    user: str | UnsetType = UNSET
    password_file: Path | UnsetType = UNSET
    token_file: Path | UnsetType = UNSET
    ca: Path | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=5000)] = 500
    allow_private: bool = False


C = TypeVar(
    "C",
    PublisherConfig,
    GateConfig,
    AdapterConfig,
    AdmissionConfig,
    OperatorConfig,
    ReceiverConfig,
    PollConfig,
)


def load(path: Path, kind: type[C]) -> C:
    """Decode a configuration file.

    Raises:
        ConfigError: Unreadable, unknown keys, or out of bounds.
    """
    folder = path.absolute().parent

    def convert_path(wanted: type, value: Any) -> Any:
        if wanted is Path and isinstance(value, str):
            return folder / value
        if wanted is KeyPlace and isinstance(value, str):
            return KeyPlace(value if is_uri(value) else folder / value)
        raise NotImplementedError

    try:
        tree = tomllib.loads(path.read_text())
        if kind is AdapterConfig and "pseudonym_key" in tree:
            raise ConfigError(
                f"{path}: pseudonym_key has become two: call it id_key, so that "
                "projected ids stay, and name a folder pseudonym_keys"
            )
        if isinstance(tree.get("directory"), dict):
            # `broker.directory_client.read_remote` reads that table of this file.
            tree["directory"] = path.name
        return msgspec.convert(tree, kind, dec_hook=convert_path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        msgspec.ValidationError,
    ) as error:
        # Secrets are never in the file, so its text may be quoted.
        raise ConfigError(f"{path}: {error}") from None


def signing_config(path: Path) -> PublisherConfig | GateConfig | AdapterConfig:
    """Decode a configuration of whichever kind has a key to sign with.

    Raises:
        ConfigError: As `load`.
    """
    try:
        names = tomllib.loads(path.read_text()).keys()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return load(path, PublisherConfig)  # which says what is wrong
    if "members" in names:
        return load(path, AdapterConfig)
    if "archive" in names:
        return load(path, GateConfig)
    return load(path, PublisherConfig)
