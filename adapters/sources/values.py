"""Values as people write them in lists: refanged, told apart, made into patterns. Pure.

Every step is linear in the text, and no text is longer than `MAX_VALUE_CHARS`.
"""

import ipaddress
import re
from typing import Final, NamedTuple

MAX_VALUE_CHARS: Final = 4096  # URLs that servers take are shorter
_MAX_DOMAIN_CHARS: Final = 253  # RFC 1035, 2.3.4, as text

# Spaces, marks of direction and joiners that copying leaves around a value.
_EDGES: Final = " \t\r\n\"'`,;<>\u00a0\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FANGED = re.compile(r"[\[\](){}\\*\u3002\uff0e\s]|hxx|h__|fxp|meow", re.IGNORECASE)
_OPEN, _CLOSE = r"\s{0,2}[\[({<]\s{0,2}", r"\s{0,2}[\])}>]\s{0,2}"
_HTTP: Final = r"^(?:h(?:xx|tx|xt|\*\*|__)p|meow)"
# How people write values so that nobody follows them.
_FANGS: Final = (
    (
        re.compile(
            rf"{_OPEN}(?:\.|dot|punto|punkt|point){_CLOSE}|\\\.|[\u3002\uff0e]",
            re.IGNORECASE,
        ),
        ".",
    ),
    (re.compile(rf"{_OPEN}(?:@|at){_CLOSE}", re.IGNORECASE), "@"),
    (re.compile(rf"{_OPEN}(://|:|//|/){_CLOSE}"), r"\1"),
    (re.compile(r"\[\.(?!\])|(?<!\[)\.\]|(?<=\w)\s{1,2}\.\s{0,2}(?=\w)"), "."),
    (re.compile(rf"{_HTTP}s(?=\W)", re.IGNORECASE), "https"),
    (re.compile(rf"{_HTTP}(?=\W)", re.IGNORECASE), "http"),
    (re.compile(r"^fxp(?=s?\W)", re.IGNORECASE), "ftp"),
    (
        re.compile(r"^(https?|ftps?)\s{0,2}:\s{0,2}[/\\]{2}\s{0,2}", re.IGNORECASE),
        r"\1://",
    ),
)
_SPOKEN_DOT = re.compile(r"(?<=\w) dot (?=\w)", re.IGNORECASE)
_SPOKEN_AT = re.compile(r"(?<=\w) at (?=\w)", re.IGNORECASE)

# What stands in no value: spaces, controls, and marks that turn or hide characters.
_ODD = re.compile(
    "[\\s\x00-\x20\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    '\ufe00-\ufe0f\ufeff\ufff0-\uffff\U000e0000-\U000e0fff"<>]'
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://([^/?#\\]+)(.*)")
_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_HASHES: Final = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")
_ADDRESS = re.compile(r"[0-9.]{7,15}(?:/[0-9]{1,2})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:./]*")
_PREFIX = re.compile(r"[0-9]{1,3}(?::[0-9]{0,5})?")  # of a network, but a wrong one
_PORT = re.compile(r"(.+):([0-9]{1,5})")
_LOCAL_PART = re.compile(r"[^@/\\:;,()\[\]]{1,64}")
_ASCII_DOMAIN = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
    r"(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})"
)
_LABEL = re.compile(r"[^\W_](?:[\w\u0300-\u036f\u0900-\u1aff-]{0,62})")
_NUMBER = re.compile(r"(?:as)?\s?([0-9]{1,10})", re.IGNORECASE)
_FILE_ENDINGS: Final = frozenset(
    {
        "7z", "apk", "bat", "bin", "cfg", "csv", "dat", "dll", "dmg", "doc", "docm",
        "docx", "dylib", "elf", "eml", "exe", "gif", "gz", "hta", "htm", "html",
        "iso", "jar", "jpeg", "jpg", "js", "json", "jsp", "lnk", "log", "msi",
        "pdf", "php", "png", "ppt", "pptx", "ps1", "rar", "rtf", "scr", "sys",
        "tar", "tmp", "txt", "vbs", "wsf", "xls", "xlsm", "xlsx", "xml", "yaml",
        "yml",
    }
)  # fmt: skip
# Besides all of two letters, which are countries'. A name such as first.last of a
# person is of the same form, so lists without a heading are judged by these.
_COMMON_ENDINGS: Final = frozenset(
    {
        "app", "biz", "blog", "buzz", "cam", "cfd", "click", "cloud", "club", "com",
        "dev", "digital", "edu", "example", "fun", "global", "gov", "icu", "info",
        "ink", "invalid", "link", "live", "lol", "media", "mil", "mobi", "monster",
        "name", "net", "network", "news", "nl", "online", "org", "page", "press",
        "pro", "pw", "rest", "sbs", "service", "shop", "site", "space", "store",
        "stream", "support", "tech", "test", "tk", "today", "tokyo", "top",
        "travel", "us", "vip", "website", "wiki", "win", "work", "world", "wtf",
        "xyz", "zone",
    }
)  # fmt: skip
# Digests of something other than a file, although they look like one's.
_NO_FILE_HASHES = re.compile(
    "imphash|impfuzzy|authentihash|pehash|vhash|ja3|ja4|jarm|hassh|cert|x509|ssl|tls"
    "|finger ?print|favicon|git|commit|address|wallet|uuid|guid|session"
)
_HINTED: Final = {
    "file": "file-name",
    "filename": "file-name",
    "file name": "file-name",
    "as": "autonomous-system",
    "asn": "autonomous-system",
    "as number": "autonomous-system",
    "autonomous system": "autonomous-system",
}
_PATHS: Final = {
    "domain-name": "domain-name:value",
    "email-addr": "email-addr:value",
    "file-name": "file:name",
    "ipv4-addr": "ipv4-addr:value",
    "ipv6-addr": "ipv6-addr:value",
    "mac-addr": "mac-addr:value",
    "url": "url:value",
    "MD5": "file:hashes.MD5",
    "SHA-1": "file:hashes.'SHA-1'",
    "SHA-256": "file:hashes.'SHA-256'",
    "SHA-512": "file:hashes.'SHA-512'",
}


class Value(NamedTuple):
    """A value and what it is.

    Attributes:
        kind: STIX type of the observable; of files `file-name`, or the algorithm of
            a hash as STIX spells it.
        value: Refanged; in lower case where case says nothing.
        port: Of an address or name with a port; 0 if none is given.
    """

    kind: str
    value: str
    port: int = 0


def refang(text: str) -> str:
    """Write a value as it was before it was made harmless, without what is around it.

    For values alone: in prose it would join what is apart.
    """
    text = text.strip(_EDGES)
    if _FANGED.search(text) is None:
        return text
    for written, meant in _FANGS:
        text = written.sub(meant, text)
    spoken = _SPOKEN_AT.sub("@", _SPOKEN_DOT.sub(".", text))
    return text if " " in spoken else spoken


def classify(text: str, hint: str = "") -> Value | None:
    """Tell what a value is; None if it is nothing that detects.

    Args:
        hint: What its list says it is, folded (`tables.fold`); decides only where the
            form leaves it open.
    """
    if len(text) > MAX_VALUE_CHARS:
        return None
    value = refang(text)
    found = None if not value or _ODD.search(value) else _by_form(value)
    if found is None or found.kind == "domain-name":
        found = _by_hint(text.strip(_EDGES), _HINTED.get(hint), found)
    if found is None:
        return None
    if found.kind in _HASHES.values() and _NO_FILE_HASHES.search(hint):
        return None
    return found


def sure(text: str) -> Value | None:
    """Tell what a value is, unless it may be the name of a person or a file."""
    found = classify(text)
    if found is None or found.kind != "domain-name":
        return None if found is None or found.kind == "file-name" else found
    ending = found.value.rpartition(".")[2]
    is_known = len(ending) == 2 or ending in _COMMON_ENDINGS
    return found if is_known or refang(text) != text.strip(_EDGES) else None


def split(text: str, hint: str = "") -> tuple[Value, ...]:
    """Tell what the values of a cell are: one, or several with separators between.

    Empty if any part of it is none.
    """
    one = classify(text, hint)
    if one is not None:
        return (one,)
    parts = [part for part in re.split(r"[\s,;|]+", text) if part]
    found = [classify(part, hint) for part in parts] if len(parts) > 1 else []
    known = dict.fromkeys(each for each in found if each is not None)
    return tuple(known) if None not in found else ()


def pattern(of: Value) -> str:
    """Write the STIX pattern that detects a value."""
    kind, value, port = of
    if port:
        return (
            f"[network-traffic:dst_ref.type = '{kind}'"
            f" AND network-traffic:dst_ref.value = '{value}'"
            f" AND network-traffic:dst_port = {port}]"
        )
    if kind == "autonomous-system":
        return f"[autonomous-system:number = {value}]"
    path = _PATHS[kind]
    if kind == "url" and "://" not in value:
        # The list does not say which, and a tool compares whole texts.
        either = (f"{path} = {_quoted(s + value)}" for s in ("https://", "http://"))
        return f"[{' OR '.join(either)}]"
    if kind.startswith("ipv") and "/" in value:
        return f"[{path} ISSUBSET '{value}']"
    if value.startswith("*."):
        return f"[{path} LIKE '%{value[1:]}']"
    return f"[{path} = {_quoted(value)}]"


def _quoted(value: str) -> str:
    # STIX 2.1, Pattern Expressions: a backslash before each apostrophe and backslash.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _by_hint(text: str, kind: str | None, found: Value | None) -> Value | None:
    if (
        kind == "file-name"
        and len(text) <= 255
        and not _ODD.search(text.replace(" ", ""))
    ):
        return Value(kind, text)
    if kind == "autonomous-system":
        number = _NUMBER.fullmatch(text)
        return Value(kind, str(int(number[1]))) if number else None
    return found


def _by_form(value: str) -> Value | None:  # noqa: PLR0911  one return a form
    url = _URL.fullmatch(value)
    if url is not None:
        scheme, authority, rest = url.groups()
        user, at, host = authority.rpartition("@")
        if _host(host) is None:
            return None
        return Value("url", f"{scheme.lower()}://{user}{at}{host.lower()}{rest}")
    if _HEX.fullmatch(value):
        kind = _HASHES.get(len(value))
        return Value(kind, value.lower()) if kind else None
    if _MAC.fullmatch(value):
        return Value("mac-addr", value.lower().replace("-", ":"))
    found = _host(value)
    if found is not None:
        return found
    if "/" in value:
        host, _, rest = value.partition("/")
        known = _host(host)
        if known is None or known.kind == "file-name":
            return None
        if known.kind.startswith("ipv") and _PREFIX.fullmatch(rest):
            return None
        return Value("url", f"{host.lower()}/{rest}")
    local, _, domain = value.removeprefix("mailto:").rpartition("@")
    where = _domain(domain)
    if where is None or not _LOCAL_PART.fullmatch(local):
        return None
    return Value("email-addr", f"{local}@{where}")


def _host(text: str) -> Value | None:
    """Read an address or network, a domain name, a file's name, also with a port."""
    found = _address(text)
    if found is not None:
        return found
    domain = _domain(text)
    if domain is not None:
        if domain.rpartition(".")[2] in _FILE_ENDINGS:
            return Value("file-name", text)
        return Value("domain-name", domain)
    ported = _PORT.fullmatch(text)
    if ported is None or not 0 < int(ported[2]) < 65536:
        return None
    inner = _host(ported[1]) if ":" not in ported[1].rpartition("]")[2] else None
    if inner is None or inner.kind == "file-name" or "/" in inner.value:
        return None
    return inner._replace(port=int(ported[2]))


def _address(text: str) -> Value | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not _ADDRESS.fullmatch(bare):
        return None
    try:
        network = ipaddress.ip_network(bare, strict=False)
    except ValueError:
        return None
    alone = network.prefixlen == network.max_prefixlen
    spelled = network.network_address if alone else network
    return Value(f"ipv{network.version}-addr", str(spelled))


def _domain(text: str) -> str | None:
    name = text.lower().removesuffix(".")
    if len(name) > _MAX_DOMAIN_CHARS:
        return None
    if name.isascii():
        return name if _ASCII_DOMAIN.fullmatch(name) else None
    labels = name.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if labels[-1].isdecimal() or len(labels[-1]) < 2 else name
