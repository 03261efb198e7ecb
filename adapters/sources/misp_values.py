"""Values of MISP attributes as observables, and patterns that detect those."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

_NO_REFS: Final[Mapping[str, Any]] = MappingProxyType({})

# What STIX requires and the value does not say: nothing to detect something by.
_SILENT: Final = frozenset({"is_multipart", "protocols", "account_type"})
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ADDRESSES: Final = ("ipv4-addr", "ipv6-addr")


class Tree(NamedTuple):
    """An observable with the ones it refers to.

    Attributes:
        members: Properties by name.
        refs: Properties that refer to others: one tree (`dst_ref`) or several
            (`resolves_to_refs`).
    """

    kind: str
    members: dict[str, Any]
    refs: Mapping[str, Any] = _NO_REFS

    def nested(self) -> Iterator[tuple[str, "Tree"]]:
        """List what it refers to, each with the name of the property."""
        for name, inner in self.refs.items():
            for each in inner if type(inner) is list else (inner,):
                yield name, each


def quoted(text: str) -> str:
    """Write *text* as a literal of a pattern (STIX 2.1, 9.2, Constants)."""
    if "\\" in text or "'" in text:
        text = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def compared(path: str, value: str | int | bool) -> str:
    """Write one comparison of a pattern."""
    if type(value) is str:
        return f"{path} = {quoted(value)}"
    return f"{path} = {str(value).lower()}"


def pattern_of(trees: Sequence[Tree]) -> str:
    """Write a pattern that matches what any of the *trees* describes.

    Properties must match together; of several values of one property (the hashes
    of a file, the addresses of a name) each is enough.
    """
    return f"[{' OR '.join(_matches(tree, f'{tree.kind}:') for tree in trees)}]"


def _matches(tree: Tree, prefix: str) -> str:
    terms = list(_terms(tree, prefix))
    if len(terms) == 1:
        return " OR ".join(terms[0])
    return " AND ".join(t[0] if len(t) == 1 else f"({' OR '.join(t)})" for t in terms)


def _terms(tree: Tree, prefix: str) -> Iterator[list[str]]:
    """List what must be the case, each as the ways in which it can be."""
    for name, value in tree.members.items():
        if name not in _SILENT:
            yield list(_alternatives(tree.kind, prefix + name, value))
    for name, inner in tree.refs.items():
        if type(inner) is list:
            yield [_matches(each, f"{prefix}{name}[*].") for each in inner]
        else:
            yield from _terms(inner, f"{prefix}{name}.")


def _alternatives(kind: str, path: str, value: Any) -> Iterator[str]:
    if type(value) is dict:
        for key, inner in value.items():
            step = key if _WORD.match(key) else quoted(key)
            yield from _alternatives(kind, f"{path}.{step}", inner)
    elif type(value) is list:
        for inner in value:
            yield from _alternatives(kind, f"{path}[*]", inner)
    elif kind in _ADDRESSES and "/" in value:
        yield f"{path} ISSUBSET {quoted(value)}"
    else:
        yield compared(path, value)


# --- reading: text of an attribute -> tree, None if it is not what its type says

Reader = Callable[[str], Tree | None]

# How people write addresses so that nobody follows them; linear, as no part repeats.
_FANGED: Final = re.compile(r"[\[({<\\]|^hxxp|^meow", re.IGNORECASE)
_FANGS: Final = (
    (re.compile(r"^(?:hxxp|meow)", re.IGNORECASE), "http"),
    (re.compile(r"[\[({<](?:\.|dot)[\])}>]|\\\.", re.IGNORECASE), "."),
    (re.compile(r"[\[({<](?:@|at)[\])}>]", re.IGNORECASE), "@"),
    (re.compile(r"[\[({<](://|:|//)[\])}>]"), r"\1"),
)
_NOT_IN_NAMES: Final = re.compile(r"[\s/@,;:|]")
_SPACE: Final = re.compile(r"\s")


def refanged(value: str) -> str:
    """Write an address as machines know it."""
    if _FANGED.search(value):
        for fang, plain in _FANGS:
            value = fang.sub(plain, value)
    return value


def plain(kind: str, name: str, **constant: Any) -> Reader:
    """Read the text as it is into one property."""
    return lambda value: Tree(kind, {name: value, **constant})


def number(text: str, most: int) -> int | None:
    """Read digits up to *most*; None if it is something else."""
    is_number = text.isascii() and text.isdigit() and len(text) < 16
    return int(text) if is_number and int(text) <= most else None


def autonomous_system(value: str) -> Tree | None:
    """Read `AS64500`, `64500`, `AS64500 Name of the network`."""
    first = value.strip().upper().removeprefix("AS").partition(" ")[0]
    known = number(first, 2**32 - 1)
    return None if known is None else Tree("autonomous-system", {"number": known})


def address(value: str) -> Tree | None:
    """Read an IPv4 or IPv6 address, or a range in CIDR notation."""
    value = refanged(value.strip())
    try:
        if "/" in value:
            version = ipaddress.ip_network(value, strict=False).version
        else:
            version = ipaddress.ip_address(value).version
    except ValueError:
        return None
    # STIX has no zone of a link-local address.
    return None if "%" in value else Tree(f"ipv{version}-addr", {"value": value})


def domain(value: str) -> Tree | None:
    """Read a domain or host name."""
    value = refanged(value.strip())
    if not value or _NOT_IN_NAMES.search(value):
        return None
    return Tree("domain-name", {"value": value})


def host(value: str) -> Tree | None:
    """Read an address or a name."""
    return address(value) or domain(value)


def url(value: str) -> Tree | None:
    """Read a URL."""
    value = refanged(value.strip())
    return Tree("url", {"value": value}) if value else None


def mail_address(value: str) -> Tree | None:
    """Read a mail address."""
    value = refanged(value.strip())
    if "@" not in value or _SPACE.search(value):
        return None
    return Tree("email-addr", {"value": value})


def network_card(value: str) -> Tree | None:
    """Read a MAC-48 address in any of its spellings."""
    digits = re.sub(r"[:.-]", "", value.strip().lower())
    if len(digits) != 12 or not _is_hex(digits):
        return None
    pairs = ":".join(digits[i : i + 2] for i in range(0, 12, 2))
    return Tree("mac-addr", {"value": pairs})


_HIVES: Final = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}


def registry_key(value: str) -> Tree:
    """Read a key of the Windows registry."""
    # STIX 2.1, Windows Registry Key: the hive is written in full.
    hive, mark, rest = value.partition("\\")
    full = _HIVES.get(hive.upper(), hive)
    return Tree("windows-registry-key", {"key": f"{full}{mark}{rest}"})


def registry_value(value: str) -> Tree | None:
    """Read `key|data`."""
    key, mark, data = value.partition("|")
    if not mark or not key:
        return None
    tree = registry_key(key)
    if data:
        tree.members["values"] = [{"data": data}]
    return tree


def service(value: str) -> Tree:
    """Read the name of a Windows service."""
    known = {"windows-service-ext": {"service_name": value}}
    return Tree("process", {"extensions": known})


def software(value: str) -> Tree | None:
    """Read a CPE: `cpe:2.3:a:vendor:product:…` or `cpe:/a:vendor:product:…`."""
    parts = value.strip().replace("cpe:/", "cpe:2.3:").split(":")
    if len(parts) < 5 or parts[0] != "cpe" or not parts[4]:
        return None
    # STIX 2.1, Software: a name is required; the CPE has it.
    return Tree("software", {"cpe": value.strip(), "name": parts[4]})


def domain_and_address(value: str) -> Tree | None:
    """Read `name|address`."""
    name, _, ip = value.partition("|")
    parts = domain(name), address(ip)
    if parts[0] is None or parts[1] is None:
        return None
    return parts[0]._replace(refs={"resolves_to_refs": [parts[1]]})


def endpoint(side: str) -> Reader:
    """Read `host|port` as the *side* (src or dst) of a connection."""

    def read(value: str) -> Tree | None:
        name, _, digits = value.rpartition("|")
        end, port = host(name), number(digits.strip(), 65535)
        if end is None or port is None:
            return None
        return traffic({f"{side}_port": port}, {f"{side}_ref": end})

    return read


def traffic(members: dict[str, Any], refs: dict[str, Tree]) -> Tree:
    """Make a connection; where nothing says so, its protocol is that of its ends."""
    if "protocols" not in members:
        kinds = {end.kind for end in refs.values()}
        known = [kind[:4] for kind in _ADDRESSES if kind in kinds]
        members = {"protocols": known or ["ip"], **members}
    return Tree("network-traffic", members, refs)


# Characters in hex; 0: another notation, or several lengths.
_CHARS: Final[dict[str, int]] = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
    "sha512/224": 56, "sha512/256": 64, "sha3-224": 56, "sha3-256": 64,
    "sha3-384": 96, "sha3-512": 128, "imphash": 32, "cdhash": 40, "pehash": 40,
    "authentihash": 0, "impfuzzy": 0, "ssdeep": 0, "telfhash": 0, "tlsh": 0,
    "vhash": 0,
}  # fmt: skip


def _algorithm(name: str) -> str:
    # STIX 2.1, hash-algorithm-ov, and names of the same make.
    text = name.upper().replace("/", "-")
    return re.sub(r"^SHA(?=[0-9](?!-))", "SHA-", text)


ALGORITHMS: Final = {name: _algorithm(name) for name in _CHARS}
"""MISP type of a hash -> name of the algorithm in STIX."""


def digest(name: str, value: str) -> str | None:
    """Read the value of a hash of MISP type *name*; None if it cannot be one."""
    value, chars = value.strip(), _CHARS[name]
    if not chars:
        return value if value and not _SPACE.search(value) else None
    return value if len(value) == chars and _is_hex(value) else None


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdefABCDEF")


def hashed(name: str, kind: str = "file") -> Reader:
    """Read a hash."""

    def read(value: str) -> Tree | None:
        known = digest(name, value)
        if known is None:
            return None
        return Tree(kind, {"hashes": {ALGORITHMS[name]: known}})

    return read


def named_and_hashed(name: str) -> Reader:
    """Read `file name|hash`."""

    def read(value: str) -> Tree | None:
        file_name, mark, rest = value.rpartition("|")
        known = digest(name, rest)
        if not mark or not file_name or known is None:
            return None
        return Tree("file", {"name": file_name, "hashes": {ALGORITHMS[name]: known}})

    return read


# --- times

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


_TIME_CHARS: Final = 40  # more than any way to write one has


def moment(text: str) -> str | None:
    """Read a time: seconds since 1970, or ISO 8601; None if it is neither.

    One without an offset counts as UTC, as MISP writes it. 0 is no time.
    """
    return _moment(text) if len(text) <= _TIME_CHARS else None


@lru_cache(1024)
def _moment(text: str) -> str | None:
    if text.isascii() and text.isdigit() and len(text) <= 12:
        seconds = int(text)
        if not 0 < seconds <= _LAST_SECOND:
            return None
        return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]}.000Z"
    try:
        when = datetime.fromisoformat(text.strip())
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    fraction = f"{when.microsecond:06d}"
    fraction = fraction[:3] if fraction.endswith("000") else fraction
    return f"{when.isoformat()[:19]}.{fraction}Z"
