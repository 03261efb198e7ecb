"""Texts, names and values that are probably not what their author means: findings."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType

from schemas import profile, stix
from schemas.findings import Finding

LONG_TEXT_CHARS: Final = 20_000  # ten pages; no text of the real records has more

_NAMES: Final = frozenset(
    {"name", "display_name", "title", "subject", "account_login", "user_id"}
)
_LISTS: Final = frozenset({"aliases", "labels"})
_NO_TEXTS: Final = frozenset({("sighting", "summary")})  # a flag
# Unicode 15, UAX 9: embeddings, overrides, isolates; and what is not seen at all.
_TRICKS = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u2060\ufeff"
    "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_DEFANGED = re.compile(r"\[(?:\.|:|dot|at|@)\]|\A(?i:hxxps?|h\*\*p|meow)\b")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
# Loose where STIX is: they tell a value that stands in a wrong property.
_FORMS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "domain-name": (re.compile(r"[^\s/:@]{1,253}"), "a name such as host.example"),
    "email-addr": (re.compile(r"\S{1,255}@[^\s@]{1,255}"), "a mail address alone"),
    "ipv4-addr": (
        re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?"),
        "an address such as 192.0.2.1, or a network such as 192.0.2.0/24",
    ),
    "ipv6-addr": (
        re.compile(r"(?=[^:]*:)[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?"),
        "an address such as 2001:db8::1, or a network such as 2001:db8::/32",
    ),
    "mac-addr": (
        re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"),
        "six pairs of lower case hexadecimal digits with colons between them",
    ),
    "url": (re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:\S.{0,1048576}", re.DOTALL),
            "a URL with its scheme, such as https://host.example/"),
}  # fmt: skip
# RFC 1918, RFC 1122 (loopback), RFC 3927 (link-local).
_PRIVATE = re.compile(
    r"(?:10|127)\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2[0-9]|3[01])\."
)
# STIX 2.1, STIX Patterning: what brackets and strings are made of.
_TOKENS = re.compile(r"'(?:[^'\\]++|\\.)*+'|\[(?:[0-9]++|\*)\]|[\[\]()']", re.DOTALL)
# Comparisons with strings and nothing else, as most patterns are.
_COMPARISON = re.compile(r"\[(?:[^\[\]()']*+'[^'\\]*+')++\s*+\]")
_CLOSES: Final = {"]": "[", ")": "("}


class Notes:
    """Collects what is found.

    Attributes:
        values: (type, value) of the observables met so far.
    """

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.values: set[tuple[str, str]] = set()

    def add(self, rule: str, where: str, expected: str = "") -> None:
        """Note one place."""
        self.found.append(Finding(rule, where, expected))


Look = Callable[[Any, stix.StixObject, str, str, Any], None]
"""Looks at (`Notes`, object, its place, property, value)."""


def looks_at_values(struct: type[stix.StixObject]) -> list[tuple[str, Look]]:
    """List what to look at in objects of a type: property and how."""
    found: list[tuple[str, Look]] = []
    kind = struct.__struct_config__.tag
    for name in struct.__struct_fields__:
        if name in _NAMES:
            found.append((name, look_at_name))
        elif name in _LISTS:
            found.append((name, look_at_list))
        elif profile.is_text((name,)) and (kind, name) not in _NO_TEXTS:
            found.append((name, look_at_text))
        elif name == "value" and kind in _FORMS:
            found.append((name, look_at_value))
        elif name == "pattern":
            found.append((name, look_at_pattern))
    return found


def look_at_name(
    notes: Notes, _each: stix.StixObject, where: str, name: str, text: str
) -> None:
    """Say that a text is empty, or holds what is not seen."""
    if not text or text.isspace():
        notes.add("empty-text", f"{where}.{name}")
    elif not text.isprintable() and _TRICKS.search(text):
        notes.add("hidden-character", f"{where}.{name}")


def look_at_list(
    notes: Notes, _each: stix.StixObject, where: str, name: str, texts: tuple[str, ...]
) -> None:
    """Say what `look_at_name` does of each text in a list."""
    for index, text in enumerate(texts):
        look_at_name(notes, _each, where, f"{name}[{index}]", text)


def look_at_text(
    notes: Notes, _each: stix.StixObject, where: str, name: str, text: str
) -> None:
    """Say what `look_at_name` does, and that a text is very long."""
    if len(text) > LONG_TEXT_CHARS:
        notes.add("long-text", f"{where}.{name}")
    look_at_name(notes, _each, where, name, text)


def look_at_value(
    notes: Notes, each: stix.StixObject, where: str, name: str, value: str
) -> None:
    """Say that the value of an observable is a wrong one, or stands there twice."""
    kind = each.type
    if (kind, value) in notes.values:
        notes.add("same-value", f"{where}.{name}")
    notes.values.add((kind, value))
    if is_usual(kind, value):
        return
    form, words = _FORMS[kind]
    is_formed = form.fullmatch(value) is not None
    may_be_defanged = not is_formed or kind == "url" or "[" in value
    if may_be_defanged and _DEFANGED.search(value) is not None:
        if each.defanged is not True:
            notes.add("defanged", f"{where}.{name}")
    elif not is_formed:
        notes.add("value-form", f"{where}.{name}", words)
    elif kind == "ipv4-addr" and _PRIVATE.match(value) is not None:
        notes.add("private-address", f"{where}.{name}")
    if not value.isprintable() and _TRICKS.search(value) is not None:
        notes.add("hidden-character", f"{where}.{name}")


def is_usual(kind: str, value: str) -> bool:
    """Tell whether nothing can be said of a value, but that it stands there twice."""
    return (
        _FORMS[kind][0].fullmatch(value) is not None
        and value.isprintable()
        and "[" not in value
        and (kind != "url" or _DEFANGED.match(value) is None)
        and (kind != "ipv4-addr" or _PRIVATE.match(value) is None)
    )


def are_usual(observables: Sequence[tuple[str, str]]) -> bool:
    """Tell whether nothing can be said of any (type, value)."""
    return len({*observables}) == len(observables) and all(
        is_usual(kind, value) for kind, value in observables
    )


def are_plain(texts: Collection[str]) -> bool:
    """Tell whether nothing can be said of any of some texts."""
    return (
        all(map(str.strip, texts))
        and max(map(len, texts), default=0) <= LONG_TEXT_CHARS
        and (
            all(map(str.isprintable, texts)) or _TRICKS.search("\n".join(texts)) is None
        )
    )


def is_usual_pattern(language: str | UnsetType, pattern: str | UnsetType) -> bool:
    """Tell whether nothing can be said of a pattern, if there is one."""
    return pattern is UNSET or (
        (pattern.isascii() or pattern.isprintable())
        and (language != "stix" or is_balanced(pattern))
    )


def look_at_pattern(
    notes: Notes, each: stix.StixObject, where: str, name: str, pattern: str
) -> None:
    """Say that a pattern is none, or holds what is not seen."""
    if getattr(each, "pattern_type", None) == "stix" and not is_balanced(pattern):
        notes.add("pattern-form", f"{where}.{name}")
    if not pattern.isascii() and _TRICKS.search(pattern) is not None:
        notes.add("hidden-character", f"{where}.{name}")


def is_balanced(pattern: str) -> bool:
    """Tell whether what looks like a STIX pattern has its brackets and quotes in pairs.

    Whether it is one, only a parser of the whole language can say.
    """
    if _COMPARISON.fullmatch(pattern) is not None:
        return True
    if pattern.lstrip()[:1] not in ("[", "("):
        return False
    open_brackets: list[str] = []
    is_comparing = False  # comparisons do not nest
    for found in _TOKENS.finditer(pattern):
        part = found[0]
        if part in ("[", "("):
            if part == "[" and is_comparing:
                return False
            is_comparing |= part == "["
            open_brackets.append(part)
        elif part in _CLOSES:
            if not open_brackets or open_brackets.pop() != _CLOSES[part]:
                return False
            is_comparing &= part != "]"
        elif part == "'":  # one that nothing closes
            return False
    return not open_brackets
