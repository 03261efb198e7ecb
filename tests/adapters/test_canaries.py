"""Canaries: a word in every property of every type reaches only who the policy says.

The objects are made from the structs of `schemas.stix`, and what may be seen is read
off the policy file by hand, so that a property that STIX adds is tested at once.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from adapters.receipts import receipt
from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.seen import Seen, Stamp
from broker.signing import Address
from broker.trust import Verified
from schemas import iep, profile, stix
from schemas.markings import Tlp
from schemas.stix.core import EXTRA
from schemas.stix.disinformation import Disinformation
from tests.support import records
from tests.support.views import (
    INCIDENT,
    MALWARE,
    NOW,
    ROWS,
    STRICT,
    TIME,
    VIEWS,
    action,
    cut,
    decoded,
    link,
    marked,
    new,
    projected,
    seen,
    signed,
    strings,
    view,
)  # fmt: skip

REQUEST = "takedown-request"
ACCOUNTS = ("channel", "media-content", "user-account")
OBSERVED = sorted(stix.OBSERVABLE_TYPES | {"channel", "media-content"})
# An object that no view here may know of; its id stays as it is when it is signed.
SECRET = marked(new("campaign", "secret"), STRICT)
SHOWN = {"keep", "mask", "defang", "listed"}

LETTERS = "abcdefghij"
TEXT = inspect.StrType()
DISINFORMATION = {
    f.encode_name: f.type for f in inspect.type_info(Disinformation).fields
}
ANYTHING = inspect.DictType(inspect.StrType(), inspect.AnyType())


def cases() -> Iterator[tuple[str, str]]:
    """Every type, in each of its roles."""
    for kind in [*sorted(stix.TYPES), "x-nobody-knows"]:
        if kind == "identity":
            yield from ((kind, role) for role in ("individual", "organisation"))
        elif kind in OBSERVED:
            own = (
                ("operated", "ordinary")
                if kind in ACCOUNTS
                else ("attacker", "unknown")
            )
            yield from ((kind, role) for role in own)
        else:
            yield kind, ""


CASES = list(cases())
# A request is the primary object or none.
INSIDE = [case for case in CASES if case[0] != REQUEST]


@cache
def planted(kind: str, role: str) -> tuple[Verified, "Planted"]:
    """Sign an object with a canary in each of its properties."""
    one, canaries = with_canaries(kind)
    if role == "organisation":
        one["identity_class"] = "organization"
    others = [SECRET, MALWARE, new("attack-pattern")]
    if kind != "incident":
        others.append(INCIDENT)
    if role in ("attacker", "operated"):
        others.append(link(MALWARE, "communicates-with", one))
    address = Address()
    main = one if kind in ("incident", REQUEST) else INCIDENT
    if kind == REQUEST:
        one["object_refs"].append(MALWARE["id"])
        address = Address(to=("platform-lumen",))
    return signed(main, *({one["id"]: one} | {o["id"]: o for o in others}).values(),
                  primary=main["id"], address=address), canaries  # fmt: skip


def given_to(kind: str, name: str) -> View:
    """A view that gets an object of this type, if any of its audience does."""
    return msgspec.structs.replace(VIEWS[name], addressed=kind == REQUEST)


class Planted:
    """Canaries that were planted.

    Attributes:
        places: Canary -> where it stands.
    """

    def __init__(self) -> None:
        self.places: dict[str, profile.Place] = {}

    def word(self, place: profile.Place) -> str:
        # Letters alone: detectors of personal data must not be what hides it.
        number = f"{len(self.places):03}".translate(
            str.maketrans("0123456789", LETTERS)
        )
        return self._plant(f"zq{number}", place)

    def time(self, place: profile.Place) -> str:
        return self._plant(f"2026-01-02T03:04:05.{len(self.places):09}Z", place)

    def number(self, place: profile.Place) -> int:
        return int(self._plant(str(700_000_001 + len(self.places)), place))

    def _plant(self, canary: str, place: profile.Place) -> str:
        self.places[canary] = place
        return canary


def with_canaries(kind: str) -> tuple[dict[str, Any], Planted]:
    planted = Planted()
    one = new(kind, "canaries")
    for place, like in fields(kind):
        value = fill(like, planted, place)
        if value is None:
            continue
        target = one
        for name in place[:-1]:
            target = target.setdefault(name, {})
        target[place[-1]] = value
    return one, planted


def fields(kind: str) -> Iterator[tuple[profile.Place, Any]]:
    """Every property STIX knows of a type, those of extensions, and unknown ones."""
    for field in inspect.type_info(stix.TYPES.get(kind, stix.UnknownObject)).fields:
        if field.encode_name not in _UNTOUCHED and field.encode_name != EXTRA:
            yield (field.encode_name,), field.type
    for name in ("x_secret", "extensions.incident-core.incident_types", "a.b"):
        yield (name,), TEXT
    yield ("x_nested",), ANYTHING
    for key in ("extension-definition--" + SECRET["id"][-36:], "incident-core.events"):
        yield ("extensions", key), ANYTHING
    names = {
        p for row in ROWS for p in row["properties"] if p.startswith("extensions.")
    }
    ids = {alias: key for key, alias in profile.EXTENSION_ALIASES.items()}
    for _, alias, *inners in (name.split(".") for name in sorted(names)):
        for inner in inners:
            # Of this one an issuer cannot sign what is malformed.
            known = DISINFORMATION if alias == "disinformation" else {}
            yield ("extensions", ids[alias], inner), known.get(inner, TEXT)
            yield ("extensions", ids[alias], f"x_{inner}"), TEXT
        # Nor terms of a marking that are not known.
        if not inners and (kind, alias) != ("marking-definition", iep.EXTENSION):
            yield ("extensions", alias), ANYTHING


_UNTOUCHED = {
    "id", "type", "spec_version", "created", "modified", "object_marking_refs",
    "granular_markings", "extensions", "identity_class", "lang", "pattern_version",
}  # fmt: skip


def fill(kind: inspect.Type, planted: Planted, place: profile.Place) -> Any:
    """Make a value of this kind with a canary in it; None where there is no room."""
    match kind:
        case inspect.UnionType(types):
            return fill(types[0], planted, place)
        case inspect.Metadata(extra={"form": pattern}):
            return fill(inspect.StrType(pattern=pattern), planted, place)
        case inspect.StrType(pattern=None):
            return planted.word(place)
        case inspect.StrType(pattern=pattern) if re.search(pattern, "some-word"):
            return planted.word(place)
        case inspect.StrType(pattern=pattern) if re.search(pattern, SECRET["id"]):
            return SECRET["id"]
        case inspect.StrType(pattern=pattern) if re.search(pattern, TIME):
            return planted.time(place)
        case inspect.IntType(le=None):
            return planted.number(place)
        case inspect.VarTupleType(item):
            value = fill(item, planted, place)
            return None if value is None else [value]
        case inspect.DictType(_, inspect.AnyType()):
            one, two, three = (planted.word(place) for _ in range(3))
            return {one: [two, {three: planted.number(place)}]}
        case inspect.DictType():
            return {"th": {planted.word(place): planted.word(place)}}
        case inspect.StructType(cls):
            values = {
                f.encode_name: fill(f.type, planted, place)
                for f in inspect.type_info(cls).fields
                if f.encode_name not in (EXTRA, "hashes")
            }
            found = {name: value for name, value in values.items() if value is not None}
            return found | {"x_unknown": planted.word(place)}
    return None


def hidden(canaries: Planted, to: View, kind: str, role: str) -> list[str]:
    """List the canaries that this view must not see."""
    return [
        word
        for word, place in canaries.places.items()
        if not profile.is_visible(place, kind, primary=False)
        and (
            any("." in name for name in place)
            or action(to, kind, role, profile.spell(place)) not in SHOWN
        )
    ]


STAMP = Stamp(token="", seen=NOW, pos=1, prev="", link="")


def readable(redacted: Redacted) -> str:
    """All that a member gets, decoded, and what the programs print of it."""
    hub = records.signer("hub")
    signed_receipt = receipt(redacted, Seen(STAMP), hub, now=NOW)
    notes = [s for value in decoded(signed_receipt) for s in strings(value)]
    return "\n".join([seen(redacted), *notes])


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize(("kind", "role"), CASES)
def test_a_property_reaches_only_whom_the_policy_gives_it_to(kind, role, name):
    verified, canaries = planted(kind, role)
    try:
        text = readable(cut(verified, given_to(kind, name)))
    except NotGivenError as refusal:
        text = repr(refusal)
    found = [w for w in hidden(canaries, VIEWS[name], kind, role) if w in text]
    assert {w: canaries.places[w] for w in found} == {}
    assert SECRET["id"][-36:] not in text


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_what_the_policy_keeps_does_arrive(kind, role):
    # Else the test above would hold for an adapter that gives nothing.
    verified, canaries = planted(kind, role)
    redacted = cut(verified, given_to(kind, "peer"))
    if not projected(redacted, kind):
        return
    text = seen(redacted)
    for word, place in canaries.places.items():
        plain = len(place) == 1 and place[0] not in (
            "external_references", "kill_chain_phases", "changed_objects", "subevents",
            "subtasks", "contents", "impacted_entity_counts", "hashes", "definition",
        )  # fmt: skip
        rule = action(VIEWS["peer"], kind, role, profile.spell(place))
        if plain and rule == "keep" and "." not in place[0]:
            assert word in text, place


def test_most_types_are_given_to_peers_with_their_canaries():
    given = {
        kind
        for kind, role in CASES
        if projected(cut(planted(kind, role)[0], given_to(kind, "peer")), kind)
    }
    assert len(given) > 30
    assert REQUEST in given


@given(data=st.data())
@settings(max_examples=60, derandomize=True)
def test_no_byte_of_a_withheld_value_is_seen_whatever_its_shape(data):
    kind, role = data.draw(st.sampled_from(INSIDE))
    canary = "zq" + data.draw(st.text("abcdefghij", min_size=6, max_size=10))
    shape = data.draw(shapes(canary))
    name = data.draw(st.sampled_from(["x_other", "name.description", "NAME", "extra"]))
    verified = signed(
        INCIDENT,
        *([MALWARE] if role == "attacker" else []),
        new("attack-pattern"),
        new(
            kind,
            "shape",
            **{name: shape, "name" if kind == "identity" else "lang": "en"},
        ),
        primary=INCIDENT["id"],
    )
    for to in VIEWS.values():
        assert canary not in readable(cut(verified, to))


def shapes(canary: str) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from([canary, f"so {canary}!", f"{canary}@mail.example"])
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.sampled_from([canary, "event_ref"]), inner, min_size=1)
        ),
        max_leaves=4,
    )


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in INSIDE}))
def test_an_object_above_the_view_leaves_no_trace(kind):
    one, canaries = with_canaries(kind)
    verified = signed(
        INCIDENT,
        new("attack-pattern"),
        new("report", "list", object_refs=[one["id"], INCIDENT["id"]]),
        link(INCIDENT, "related-to", one),
        marked(one, STRICT),
        primary=INCIDENT["id"],
    )
    above = [o.id for o in verified.objects if o.object_marking_refs == (STRICT,)]
    assert above
    for to in VIEWS.values():
        text = readable(cut(verified, to))
        assert [w for w in canaries.places if w in text] == []
        assert [each for each in above if each[-36:] in text] == []


def test_what_is_above_one_clearance_is_not_above_a_higher_one():
    secret = marked(new("incident", "other", description="zqabc"), STRICT)
    verified = signed(INCIDENT, secret, primary=INCIDENT["id"])
    addressed = view("peer-cert", Tlp.AMBER_STRICT, addressed=True)
    assert "zqabc" in seen(cut(verified, addressed))
    assert "zqabc" not in seen(cut(verified, VIEWS["peer"]))
