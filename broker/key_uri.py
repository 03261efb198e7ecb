"""Names of private keys in tokens: `pkcs11:` URIs (RFC 7512). Pure.

    pkcs11:token=hub;object=gate?module-path=/usr/lib/x.so&pin-source=/etc/tocsin/pin

What is not understood here is refused, as RFC 7512, 2.4 asks: an attribute that is
passed over could mean another key.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from broker.errors import ConfigError

SCHEME: Final = "pkcs11:"
_MAX_CHARS: Final = 2048
_PATH: Final = frozenset({"token", "serial", "object", "id", "type"})
_QUERY: Final = frozenset({"module-path", "pin-source"})
# RFC 7512, 2.3: pk11-pchar and pk11-qchar, in one.
_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|&-]|%[0-9A-Fa-f]{2})*")


class KeyUri(msgspec.Struct, frozen=True):
    """One private key in one token.

    Attributes:
        module: The library of the token's maker; an absolute path.
        token: Label of the token, "" for any.
        serial: Its serial number, "" for any.
        label: Of the key (`object`), "" for any.
        id: Of the key, empty for any.
        pin_file: Absolute path; None: a person is asked.
    """

    module: Path
    token: str
    serial: str
    label: str
    id: bytes
    pin_file: Path | None


def is_uri(text: str) -> bool:
    """Tell whether *text* names a key in a token; else it is a path."""
    return text[: len(SCHEME)].lower() == SCHEME  # RFC 3986, 3.1


def parse(text: str) -> KeyUri:
    """Read a URI.

    Raises:
        ConfigError: It is none, names no token or no key, or says what is not
            supported. Its text says no value, since one may be a PIN.
    """
    if len(text) > _MAX_CHARS or not is_uri(text):
        raise ConfigError("a key in a token is named by a URI, pkcs11:...")
    path, _, query = text[len(SCHEME) :].partition("?")
    if "pin-value" in query:
        raise ConfigError(
            "a PIN must not stand in a pkcs11 URI, where others see it; put it into "
            "a file of mode 0600 and name that by pin-source"
        )
    given = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
    if given.get("type", b"private") != b"private":
        raise ConfigError("a pkcs11 URI of a key to sign with has type=private")
    if not (given.get("token") or given.get("serial")):
        raise ConfigError("a pkcs11 URI must name the token, by token= or serial=")
    if not (given.get("object") or given.get("id")):
        raise ConfigError("a pkcs11 URI must name the key, by object= or id=")
    module = _absolute(given, "module-path")
    if module is None:
        raise ConfigError(
            "a pkcs11 URI must name the token's library: ?module-path=/.../lib....so"
        )
    return KeyUri(
        module=module,
        token=_text(given, "token"),
        serial=_text(given, "serial"),
        label=_text(given, "object"),
        id=given.get("id", b""),
        pin_file=_absolute(given, "pin-source"),
    )


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in filter(None, text.split(separator)):
        name, _, value = each.partition("=")
        if name not in known:
            raise ConfigError(
                "a pkcs11 URI holds something else than "
                f"{', '.join(sorted(known))} between each {separator}"
            )
        if name in found or not _VALUE.fullmatch(value):
            raise ConfigError(
                f"{name} stands twice in a pkcs11 URI, or not as RFC 7512 spells it"
            )
        found[name] = unquote_to_bytes(value)
    return found


def _text(given: dict[str, bytes], name: str) -> str:
    try:
        return given.get(name, b"").decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{name} of a pkcs11 URI is not UTF-8") from None


def _absolute(given: dict[str, bytes], name: str) -> Path | None:
    text = _text(given, name)
    if not text:
        return None
    # RFC 7512, 2.4: pin-source is a path, or a file: URI; we run no programs ("|").
    path = Path(re.sub(r"\Afile:(//(localhost)?(?=/))?", "", text))
    if not path.is_absolute() or "\0" in text:
        raise ConfigError(f"{name} of a pkcs11 URI must be an absolute path")
    return path
