"""Mail addresses, logins in URLs, addresses in networks. Pure.

Text is normalised, its digits are ASCII.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address
from typing import Final

# RFC 6531 lets any character beyond ASCII into both parts of a mail address. Written
# `a (at) b (dot) example` there are spaces about its signs.
_LOCAL: Final = re.compile(r"[^\x00-\x20\"(),:;<>@\[\\\]|]{1,64} ?\Z|\" ?\Z")
_MAX_LOCAL_CHARS: Final = 65  # RFC 5321, 4.5.3.1.1, and a space
_LABEL: Final = r"[^\x00-\x2c./:;<=>?@\[\\\]^`{|}~\s]{1,63}"
_DOMAIN: Final = re.compile(
    rf" ?(?:{_LABEL}(?:(?:\.| \. | dot ){_LABEL})+|\[(?:ipv6:)?[0-9a-f.:]{{3,45}}\])"
)

# RFC 3986, 3.2.1.
_USERINFO: Final = re.compile(r"://([^\s/@?#]{1,512})@")
_SECRET: Final = re.compile(
    r"[?&;#](?:[a-z0-9_-]{0,24}[_-])?(?:(?:access|auth|id|api|csrf)?token|password|passwd|passwort|pwd|pass|secret|"
    r"api_?-?key|key|auth|authorization|credentials?|signature|sig|jwt|session_?id|sid|otp|pin)"
    r"=([^\s&#;]{1,512})"
)

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_IPV4: Final = re.compile(rf"(?<!\d)(?<!\d\.){_OCTET}(?:\.{_OCTET}){{3}}(?!\.?\d)")
# Colons twice in a row, or seven of them: times of day have neither.
_IPV6: Final = re.compile(
    r"(?<![0-9a-z.])(?=[0-9a-f:]{0,37}::|(?:[0-9a-f]{1,4}:){6})"
    r"[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?![0-9a-z:])"
)


def mails(text: str) -> Iterator[tuple[int, int]]:
    """Find mail addresses."""
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text, max(0, at - _MAX_LOCAL_CHARS), at)
        domain = _DOMAIN.match(text, at + 1)
        if local and domain and not _is_mention(text, at):
            yield local.start(), domain.end()
        at = text.find("@", at + 1)


def _is_mention(text: str, at: int) -> bool:
    """Tell whether there is a space before the sign, but none after it."""
    return text[at - 1] == " " and text[at + 1] != " "


def logins(text: str) -> Iterator[tuple[int, int]]:
    """Find names and passwords in URLs, and secrets in their queries."""
    if "://" in text:
        for found in _USERINFO.finditer(text):
            yield found.span(1)
    if "=" in text:
        for found in _SECRET.finditer(text):
            yield found.span(1)


def ipv4(text: str) -> Iterator[tuple[int, int]]:
    """Find IPv4 addresses: four parts up to 255, not a piece of more parts."""
    for found in _IPV4.finditer(text):
        yield found.span()


def ipv6(text: str) -> Iterator[tuple[int, int]]:
    """Find IPv6 addresses that have a digit: `std::face` is a name in a program."""
    if "::" not in text and text.count(":") < 6:
        return
    for found in _IPV6.finditer(text):
        if _is_ipv6(found[0]):
            yield found.span()


def _is_ipv6(written: str) -> bool:
    try:
        IPv6Address(written)
    except AddressValueError:
        return False
    return any(c.isdigit() for c in written)
