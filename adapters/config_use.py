"""What follows from a configuration: addresses with logins, files, keys. Edge."""

import ssl
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import msgspec
from msgspec import UNSET

from adapters.config import AdapterConfig
from adapters.config_parts import AmqpSinkConfig, Broker, DatabaseConfig
from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, PublicKey, key_id
from broker.signers import read_secret
from broker.tls import client_context, need_login


def broker_urls(broker: Broker) -> tuple[str, ...]:
    """Put the login into each URL, for the client library alone; never log them.

    Raises:
        ConfigError: As `addresses_of`, or the password file is unusable.
    """
    places = addresses_of(broker)
    if broker.cert_file is not UNSET:
        # RabbitMQ takes the login from the certificate (SASL EXTERNAL, RFC 4422).
        return tuple(
            urlunsplit(
                each._replace(
                    query="&".join(filter(None, (each.query, "auth=EXTERNAL")))
                )
            )
            for each in places
        )
    assert broker.password_file is not UNSET  # noqa: S101  as _need_one_login says
    password = _password(broker.password_file)
    login = f"{quote(broker.user, safe='')}:{quote(password, safe='')}"
    return tuple(
        urlunsplit(each._replace(netloc=f"{login}@{each.netloc}")) for each in places
    )


def _password(path: Path) -> str:
    try:
        return read_secret(path).decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None


def addresses_of(broker: Broker) -> tuple[SplitResult, ...]:
    """Return where the broker is, in the order of the configuration; no login in them.

    Raises:
        ConfigError: One is no URL or names a user, several are not nodes of one
            cluster, or it is not clear how to log in.
    """
    one, several = broker.url, broker.urls
    if (one is UNSET) == (several is UNSET):
        raise ConfigError("broker needs url, or urls of the nodes of a cluster")
    texts = (one,) if isinstance(one, str) else cast(tuple[str, ...], several)
    places = tuple(_address(each) for each in texts)
    _need_one_login(broker)
    if len({(each.scheme, each.path, each.query) for each in places}) > 1:
        raise ConfigError("broker.urls must differ in nothing but host and port")
    if len({each.netloc.lower() for each in places}) < len(places):
        raise ConfigError("broker.urls names one place twice")
    plain = places[0].scheme == "amqp"
    if plain and not (broker.cert_file is broker.ca_file is UNSET):
        raise ConfigError("certificates need broker.url to be amqps://…")
    return places


def _address(text: str) -> SplitResult:
    expected = "broker.url must be amqp://host:port/vhost or amqps://…"
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  raises, like urlsplit, if it is none
    except ValueError:
        raise ConfigError(expected) from None
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise ConfigError(expected)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("broker.url must not hold a login; use user, password_file")
    return parts


def broker_tls(broker: Broker, *, now: datetime) -> ssl.SSLContext | None:
    """Return how to reach `amqps://…`, None where *broker* says nothing of it.

    Raises:
        ConfigError: A file is unusable, or the certificate is not one of
            `broker.user` that is valid now.
    """
    _need_one_login(broker)
    ca, certificate, key = (
        None if each is UNSET else each
        for each in (broker.ca_file, broker.cert_file, broker.key_file)
    )
    if certificate is not None:
        need_login(certificate, broker.user, now=now)
    if ca is None and certificate is None:
        return None
    return client_context(ca=ca, certificate=certificate, key=key)


def _need_one_login(broker: Broker) -> None:
    by_password = broker.password_file is not UNSET
    if (broker.cert_file is UNSET, broker.key_file is UNSET) != (
        by_password,
        by_password,
    ):
        raise ConfigError("broker needs password_file, or cert_file and key_file")


def gaps_of(config: AdapterConfig) -> Path:
    """Name the file of gaps of an adapter.

    Raises:
        ConfigError: It has to be given, and is not.
    """
    if isinstance(config.gaps, Path):
        return config.gaps
    if isinstance(config.outbox, Path):
        return config.outbox.with_name(f"{config.outbox.name}.gaps")
    raise ConfigError("with [database], gaps must name a file on this machine")


def need_sharing(config: AdapterConfig) -> None:
    """Check that several workers can share the outbox, if there are to be several.

    Raises:
        ConfigError: It is a SQLite file, which is one process's alone.
    """
    if config.workers > 1 and not isinstance(config.database, DatabaseConfig):
        raise ConfigError(
            f"workers = {config.workers} needs [database], a PostgreSQL for the outbox: "
            "a file is of one process at a time"
        )


def queued_for(config: AdapterConfig) -> tuple[str, ...]:
    """Name the members whose deliveries go into a queue of RabbitMQ."""
    return tuple(
        member.org
        for member in config.members
        if any(isinstance(each, AmqpSinkConfig) for each in member.sinks)
    )


def outbox_of(config: AdapterConfig) -> tuple[Path | str, str | None]:
    """Say where the outbox is: a file, or a database's URL and its password.

    Raises:
        ConfigError: None is named, or both are; the password's file is unusable.
    """
    database = config.database
    if isinstance(config.outbox, Path) == isinstance(database, DatabaseConfig):
        raise ConfigError("an adapter needs outbox (a file), or [database]")
    if not isinstance(database, DatabaseConfig):
        return cast(Path, config.outbox), None
    if not isinstance(database.password_file, Path):
        return database.url, None
    return database.url, _password(database.password_file)


def reviewers_of(config: AdapterConfig) -> dict[str, tuple[str, PublicKey]]:
    """Read the keys of the reviewers, by their key ids.

    Raises:
        ConfigError: A file is missing or no public key, or one key or name stands
            for two persons.
    """
    found: dict[str, tuple[str, PublicKey]] = {}
    for each in config.reviewers:
        try:
            jwk = msgspec.json.decode(each.key.read_bytes(), type=Jwk)
            key = PublicKey(jwk)
        except OSError as error:
            raise ConfigError(f"cannot read {each.key}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, TrustError):
            raise ConfigError(
                f"{each.key} is no public Ed25519 or P-256 key in JWK form"
            ) from None
        found[key_id(each.name, jwk)] = (each.name, key)
    if len({key.thumbprint for _, key in found.values()}) < len(config.reviewers):
        raise ConfigError("two reviewers have one key; each person needs an own one")
    if len({name for name, _ in found.values()}) < len(config.reviewers):
        raise ConfigError("two reviewers have one name; each person needs an own one")
    return found
