"""The hub's answer to a request to join: one file with everything to start. Pure.

    {"welcome": {"v": 1, "org", "request": digest of the request it answers,
     "thumbprint": of the member's signing key, "hub": its name for people,
     "broker": {"url", "ca": PEM}, "certificate": PEM,
     "directory": {"url", "root": text of the TUF root to pin}, may be missing}}

It holds no secret, and nobody has signed it: a member that joins trusts no key yet.
What it is worth comes from its fingerprint, compared over a channel that whoever
could have changed the file does not have. It covers every byte: who could put another
authority or address in would read all that the member publishes.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker import certificates
from broker.errors import TrustError
from broker.join_request import Request
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import Digest, Org

MAX_BYTES: Final = 512 * 1024
VERSION: Final = 1
_MAX_ROOT_CHARS: Final = 256 * 1024
_MAX_PEM_CHARS: Final = 16 * 1024
_DIRECTORY_SCHEMES: Final = ("https", "http", "file")  # TUF signs what comes
_REASON: Final = "welcome-invalid"

_Pem = Annotated[str, Meta(max_length=_MAX_PEM_CHARS)]
_Url = Annotated[str, Meta(min_length=1, max_length=500)]


class Broker(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Where the hub's RabbitMQ is: `amqps://…`, and the authority to trust for it.

    Attributes:
        others: More nodes of it.
    """

    url: _Url
    ca: _Pem
    others: Annotated[tuple[_Url, ...], Meta(max_length=8)] = ()


class DirectoryPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the directory is, and the root to pin."""

    url: _Url
    root: Annotated[str, Meta(min_length=2, max_length=_MAX_ROOT_CHARS)]


class Welcome(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Everything to start with; see the top of this file.

    Attributes:
        certificate: Of the login *org*.
    """

    v: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    org: Org
    request: Digest
    thumbprint: Digest
    hub: Annotated[str, Meta(min_length=1, max_length=200)]
    broker: Broker
    certificate: _Pem
    directory: DirectoryPlace | UnsetType = UNSET


class _File(msgspec.Struct, forbid_unknown_fields=True):
    welcome: Welcome


def make(
    request: Request,
    *,
    hub: str,
    broker: Broker,
    certificate: bytes,
    directory: DirectoryPlace | None,
) -> bytes:
    """Return the file that answers *request*.

    Raises:
        TrustError: `welcome-invalid` at a place: no member would take it.
    """
    made = Welcome(
        v=VERSION,
        org=request.member.org,
        request=request.digest,
        thumbprint=request.thumbprint,
        hub=hub,
        broker=broker,
        certificate=certificate.decode(),
        directory=UNSET if directory is None else directory,
    )
    data = msgspec.json.encode({"welcome": made}) + b"\n"
    read(data)
    return data


def read(data: bytes) -> Welcome:
    """Read a welcome strictly; `check` says whether it is ours.

    Raises:
        TrustError: `welcome-invalid` at a place.
    """
    if len(data) > MAX_BYTES:
        raise TrustError("too-large")
    try:
        value = codec.decode_json(data, max_bytes=MAX_BYTES)
        found = msgspec.convert(value, _File).welcome
    except RefusedError:
        raise TrustError(_REASON, "$") from None
    except msgspec.ValidationError as error:
        raise TrustError(_REASON, codec.place_of(error, "$")) from None
    if not found.hub.isprintable():
        raise TrustError(_REASON, "$.welcome.hub")
    # Without TLS whoever is in between would have all that the member says.
    _check_url(found.broker.url, ("amqps",), "$.welcome.broker.url")
    for at, url in enumerate(found.broker.others):
        _check_url(url, ("amqps",), f"$.welcome.broker.others[{at}]")
    if found.directory is not UNSET:
        _check_url(found.directory.url, _DIRECTORY_SCHEMES, "$.welcome.directory.url")
    return found


def check(welcome: Welcome, own: Request, tls_key: bytes, *, now: datetime) -> None:
    """Check that *welcome* answers our own request, with a certificate that we can use.

    Args:
        tls_key: Our private key, PEM.

    Raises:
        TrustError: `welcome-foreign`: it answers another request. `certificate`: it
            is not for our key and name, not by the authority that came with it, or
            not valid now.
        ConfigError: *tls_key* is no key.
    """
    if (welcome.org, welcome.request, welcome.thumbprint) != (
        own.member.org,
        own.digest,
        own.thumbprint,
    ):
        raise TrustError("welcome-foreign")
    certificates.check_issued(
        welcome.certificate.encode(),
        ca=welcome.broker.ca.encode(),
        key=tls_key,
        login=welcome.org,
        now=now,
    )


def fingerprint(data: bytes) -> str:
    """Write the SHA-256 of a file for reading aloud: 16 groups of four digits."""
    digits = hashlib.sha256(data).hexdigest().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def is_same(told: str, computed: str) -> bool:
    """Tell whether somebody typed this fingerprint, however they grouped it."""
    return _digits(told) == _digits(computed)


def _digits(text: str) -> str:
    return "".join(text.replace("-", "").replace(":", "").split()).upper()


def _check_url(text: str, schemes: tuple[str, ...], where: str) -> None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises, like urlsplit, if it is none
    except ValueError:
        raise TrustError(_REASON, where) from None
    has_place = bool(parts.hostname) or parts.scheme == "file"
    if parts.scheme not in schemes or not has_place or "@" in parts.netloc:
        raise TrustError(_REASON, where)
    if not text.isprintable() or set(text) & set("\"'\\ "):
        raise TrustError(_REASON, where)  # it is written into a configuration


def configuration(welcome: Welcome, *, key: str) -> str:
    """Write the publisher's configuration (TOML); paths count from its folder.

    Args:
        key: The member's signing key: file or `pkcs11:` URI.
    """
    org = welcome.org
    lines = [
        f"org = {_toml(org)}",
        f"key = {_toml(key)}",
        f"state = {_toml(f'{org}.sqlite')}",
    ]
    lines += [
        "",
        "[broker]",
        _addresses(welcome.broker),
        f"user = {_toml(org)}",
        f"ca_file = {_toml(f'{org}.ca.pem')}",
        f"cert_file = {_toml(f'{org}.tls.pem')}",
        f"key_file = {_toml(f'{org}.tls.key')}",
    ]
    if welcome.directory is not UNSET:
        lines += [
            "",
            "[directory]",
            f"url = {_toml(welcome.directory.url)}",
            f"root = {_toml(f'{org}.root.json')}",
            f"cache = {_toml(f'{org}.directory')}",
        ]
    return "\n".join([*lines, ""])


def _addresses(broker: Broker) -> str:
    if not broker.others:
        return f"url = {_toml(broker.url)}"
    urls = (broker.url, *broker.others)
    return f"urls = [{', '.join(_toml(each) for each in urls)}]"


def _toml(text: str) -> str:
    # A JSON string of printable text is a basic string of TOML 1.0.
    return msgspec.json.encode(text).decode()
