"""Decisions -> tokens whose digests are right, and whose contents are right or wrong.

A fuzzer does not find a SHA-256, so it decides here what is signed instead: records
by the profile, with any rule broken at any place, and trees of any form. Spelled with
`tests.vectors.spelling`, none of it with the code under test.
"""

from typing import Any, Final

from schemas import profile
from schemas.stix import PROPERTY_NAMES, TYPES
from tests.fuzz.choices import Choices, table
from tests.fuzz.standins import SIGNER
from tests.vectors import cast
from tests.vectors.spelling import Cut, Decoy, Part, Raw

CANARY: Final = "mallory"
"""Stands in texts, names and numbers of a record; no refusal may repeat it."""

_MAX_OBJECTS: Final = 5
_MAX_PROPERTIES: Final = 6
_NAMES: Final = table(PROPERTY_NAMES, 1024)
_KINDS: Final = table([*TYPES, f"x-{CANARY}"], 256)
_PRIMARY: Final = {
    "incident": "incident", "campaign": "campaign", "report": "advisory",
    "grouping": "advisory", "note": "feedback", "opinion": "feedback",
}  # fmt: skip
_WORDS: Final = [
    CANARY, "It is so.", "", "two", "suspected", "low", "unknown", "2.1", "stix",
    "203.0.113.7", "203.0.113.0/24", "198.51.100.0/24", "2026-11-02",
    "2026-11-02T10:00:00Z", "2026-11-03T10:00:00.5Z", "indicates", "TLP:RED", "\0",
]  # fmt: skip
_RAW: Final = [
    b"1e400", b'"\\ud800"', b'{"a":1,"a":2}', b"9007199254740993", b"-0.0", b"[1,]",
    b"18446744073709551616", b"1E2", b'"\\u0041"', b" 1", b"\xff", b"",
]  # fmt: skip
_ODD_NAMES: Final = ["_sd", "...", "_sd_alg", CANARY, "", "x_tocsin_coarse_value"]
_EXTENSIONS: Final = [*profile.EXTENSION_ALIASES, f"{CANARY}-ext", "x"]
_MARKS: Final = [*cast.MARK.values(), cast.an_id("marking-definition")]
_SALTS: Final = [None, None, None, "short", "s" * 22, "s" * 23, CANARY * 4]


def record(choices: Choices) -> bytes:
    """Sign a record of a few objects, or, if decided so, any tree at all."""
    if choices.rarely():
        return _issued(choices, _members(choices, 0))
    primary = choices.pick([*_PRIMARY])
    objects = [_object(choices, primary, 1)]
    while not choices.is_used_up and len(objects) < _MAX_OBJECTS:
        objects.append(_object(choices, choices.pick(_KINDS), len(objects) + 1))
    tree = cast.claims(objects[0], kind=_PRIMARY[primary])
    # An object that is no disclosure, once in a while.
    more = [each if choices.rarely() else _part(choices, each) for each in objects[1:]]
    tree["stix"]["objects"] += more
    if choices.rarely():
        tree["stix"]["objects"].append(_odd(choices, 0))
    _change_claims(choices, tree)
    return _issued(choices, tree)


def _issued(choices: Choices, tree: dict[str, Any]) -> bytes:
    order = choices.pick((list, list, reversed, lambda texts: texts[1:]))
    again = choices.rarely()
    return cast.issue(
        "fuzz",
        tree,
        key=SIGNER,
        order=lambda texts: [*order(texts), *(texts[:1] if again else ())],
    )


def _change_claims(choices: Choices, tree: dict[str, Any]) -> None:
    while choices.rarely():
        name = choices.pick([*tree, "to", "seq", "feed", "prev", "sup", CANARY])
        value = tree.get(name, ["urn:tocsin:org:cert-aq"])
        value = value.value if isinstance(value, Part) else value
        how = choices.below(6)
        if how == 0:
            tree[name] = _part(choices, value)
        elif how == 1:
            tree[name] = _value(choices, 0)
        elif how == 2:
            tree.pop(name, None)
        elif how == 3:
            tree[name] = choices.pick([*cast.KINDS, *cast.MARK, "RED", cast.ALL])
        elif how == 4:
            tree[name] = choices.pick([cast.NOW, -1, 2**53, cast.NOW + 9999, True])
        else:
            tree[name] = Part(value)


def _object(choices: Choices, kind: str, number: int) -> dict[str, Any]:
    own = cast.identity_of("cert-aq")
    out = (
        cast.main(kind) if number == 1 else cast.other(kind, choices.below(number) + 1)
    )
    for _ in range(choices.below(_MAX_PROPERTIES + 1)):
        name = choices.pick(_ODD_NAMES) if choices.rarely() else choices.pick(_NAMES)
        if name == "extensions":
            out[name] = _extensions(choices)
            continue
        visible = profile.visible(kind, primary=number == 1, own=False)
        value = own if choices.rarely() else _property(choices, name)
        out[name] = _hidden(choices, value, hide=name not in visible)
    return _spellable(out)


def _hidden(choices: Choices, value: Any, *, hide: bool) -> Any:
    """Give a value as a disclosure if it has to be one; wrongly, once in a while."""
    return _part(choices, value) if hide != choices.rarely() else value


def _extensions(choices: Choices) -> Any:
    out: dict[str, Any] = {}
    for _ in range(1 + choices.below(3)):
        key = choices.pick(_EXTENSIONS)
        inner: Any = _value(choices, 0)
        if key in profile.EXTENSION_ALIASES and not choices.rarely():
            visible = profile.visible_in_extension(key)
            names = ["extension_type", "determination", "criticality", "labels", CANARY]
            inner = {
                name: _hidden(
                    choices, _property(choices, name), hide=name not in visible
                )
                for name in {choices.pick(names): 0, choices.pick(names): 0}
            }
            out[key] = inner
        else:
            out[key] = _hidden(choices, inner, hide=True)
    return _hidden(choices, out, hide=False)


def _property(choices: Choices, name: str) -> Any:
    """Give a value that the name suggests, parted as the profile wants; or any value."""
    if choices.rarely():
        return _value(choices, 0)
    if name in ("object_marking_refs", "granular_markings"):
        return [choices.pick(_MARKS) for _ in range(1 + choices.below(2))]
    if name.endswith("_ref"):
        return cast.an_id(choices.pick(_KINDS), 1 + choices.below(4))
    if profile.is_split((name,)):
        return _elements(choices, name)
    if profile.is_text((name,)) and choices.rarely():
        return _segments(choices)
    if choices.rarely():
        return choices.pick((True, False, 0, 50, 101, -1, 0.5))
    return choices.pick(_WORDS)


def _elements(choices: Choices, name: str) -> list[Any]:
    def one() -> Any:
        if name.endswith("_refs"):
            return cast.an_id(choices.pick(_KINDS), 1 + choices.below(4))
        return choices.pick((*_WORDS[:2], {"source_name": CANARY}))

    count = choices.below(5)
    hide = count > 1
    values = [_hidden(choices, one(), hide=hide) for _ in range(count)]
    return [*values, *[Decoy() for _ in range(choices.below(4) if hide else 0)]]


def _segments(choices: Choices) -> list[Any]:
    count = choices.below(6)
    parts = [[i, count, _WORDS[i]] for i in range(count)]
    if parts and choices.rarely():
        parts[choices.below(count)][choices.below(3)] = _value(choices, 0)
    if choices.rarely():
        parts.reverse()
    return [_hidden(choices, each, hide=True) for each in parts]


def _part(choices: Choices, value: Any) -> Part:
    shape = choices.byte()
    if shape < 236:
        return Part(value)
    if shape < 242:
        return Cut(value)
    if shape < 247:
        return Part(value, salt=choices.pick(_SALTS))
    return Part(value, shape=lambda parts: _misshapen(parts, shape))


def _misshapen(parts: list[Any], shape: int) -> Any:
    options = (
        parts[:-1], parts[:1], [], [*parts, CANARY], [1, *parts[1:]], parts[::-1],
        {"a": parts}, CANARY, [None, *parts], [parts[0], 1, parts[-1]],
        [parts[0], "_sd", parts[-1]], [parts[0], "id", parts[-1]],
        [parts[0], "...", parts[-1]], [parts[0], "_sd_alg", parts[-1]],
    )  # fmt: skip
    return options[shape % len(options)]


def _value(choices: Choices, depth: int) -> Any:
    """Give any JSON value, with disclosures in it."""
    if depth > 4:
        return CANARY
    match choices.below(8):
        case 0:
            return choices.pick(_WORDS)
        case 1:
            return choices.byte() - 100
        case 2:
            return _members(choices, depth + 1)
        case 3:
            return [_element(choices, depth + 1) for _ in range(choices.below(4))]
        case 4:
            return _deep(choices)
        case 5:
            return choices.pick((None, True, 0.5))
        case _:
            return _odd(choices, depth)


def _members(choices: Choices, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for _ in range(choices.below(5)):
        name = choices.pick(_ODD_NAMES if choices.rarely() else _NAMES)
        out[name] = _element(choices, depth)
    return _spellable(out)


def _spellable(members: dict[str, Any]) -> dict[str, Any]:
    """Leave out disclosures where `_sd` is no list that they could be added to."""
    if isinstance(members.get("_sd", []), list | Part):
        return members
    return {name: each for name, each in members.items() if not isinstance(each, Part)}


def _element(choices: Choices, depth: int) -> Any:
    value = _value(choices, depth + 1)
    return _part(choices, value) if choices.below(2) else value


def _odd(choices: Choices, depth: int) -> Any:
    """Give what hardly any honest issuer signs."""
    match choices.below(4):
        case 0:
            return Raw(choices.pick(_RAW))
        case 1:
            wrong = ("A" * 43, "A" * 42, 1, None, CANARY, [], {}, "é" * 43, "+" * 43)
            return {"...": choices.pick(wrong)}
        case 2:
            return {"...": _value(choices, depth + 1), "a": 1}
        case _:
            return {"_sd": [choices.pick(("A" * 43, "B" * 43, CANARY, 1, None))]}


def _deep(choices: Choices) -> Any:
    value: Any = [Part(CANARY)] if choices.below(2) else CANARY
    for _ in range(choices.below(40)):
        value = [value] if choices.below(2) else {"name": value}
    return value
