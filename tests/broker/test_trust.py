"""Trust: every way a record is not believed, and what is known of one that is.

Headers are made by hand. The other bad records are `tree`s, bent at one place and
signed with the issuer's own key, all digests right: only the one check can refuse.
"""

import copy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from broker import base64url, sdjwt, trust
from broker.directory import Directory, single_key
from broker.sdjwt import Hidden
from broker.signing import Address, FeedPosition
from schemas import profile
from schemas.errors import RefusedError
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from schemas.reasons import REASONS
from schemas.record import MAX_OBJECTS, Claims
from tests.support.records import (
    CERT,
    CERT_KEY,
    DIRECTORY,
    HEADER,
    KINDS,
    MODIFIED,
    NOW,
    PLATFORM,
    STRANGER,
    address,
    an_id,
    directory,
    draft,
    entropy,
    forge,
    incident,
    key_entry,
    mint,
    plain_object,
    private_key,
    token,
    tree,
)
from tests.support.stix_values import json_values

CANARY = "mallory"
TEXT = "It is not confirmed that votes were touched."
WEEK_S = 7 * 86_400


def verified(
    signed: bytes, known: Directory = DIRECTORY, **more: Any
) -> trust.Verified:
    return trust.verify(signed, known, **({"now": NOW} | more))


def refusal(signed: bytes, known: Directory = DIRECTORY, **more: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        verified(signed, known, **more)
    return caught.value


def reason(claims: dict[str, Any], **more: Any) -> str:
    return refusal(mint(claims), **more).reason


def main_of(claims: dict[str, Any]) -> dict[str, Any]:
    """The primary object of a tree, to be bent."""
    value: dict[str, Any] = claims["stix"]["objects"][0].value
    return value


def bent(**members: Any) -> dict[str, Any]:
    """A tree whose primary object has these members, as they are."""
    claims = tree()
    main_of(claims).update(members)
    return claims


def without(name: str) -> dict[str, Any]:
    claims = tree()
    del main_of(claims)[name]
    return claims


def refused(signed: bytes) -> str:
    """What is said of a record, if it is refused; any other error is a failure."""
    try:
        verified(signed)
    except RefusedError as error:
        return str(error)
    return ""


def index_of(found: trust.Verified, *path: str | int) -> int:
    [index] = [i for i, d in enumerate(found.opened.disclosures) if d.path == path]
    return index


def cut(signed: bytes, *lost: tuple[str | int, ...]) -> bytes:
    """Withhold the disclosures at these paths of the claims."""
    found = verified(signed)
    gone = {index_of(found, *path) for path in lost}
    return sdjwt.withhold(
        found.opened, set(range(len(found.opened.disclosures))) - gone
    )


# -- what is known of a record that is believed


def test_a_record_that_was_signed_is_believed() -> None:
    found = verified(token())
    assert (found.issuer, found.kid) == ("cert-aq", CERT.kid)
    assert found.token_id == sdjwt.token_id(token())
    assert found.claims.sub == an_id("incident")
    assert found.primary is not None
    assert found.objects[found.primary].id == an_id("incident")
    assert found.plain[found.primary]["description"] == TEXT
    assert found.tlp == Tlp.GREEN
    assert found.complete
    assert found.withheld == 0


def test_a_tree_as_it_is_is_believed() -> None:
    # Else every refusal below could be for something else.
    assert verified(mint(tree())).complete


def test_a_record_with_every_claim_there_is_is_believed() -> None:
    address_of = Address(to=("cert-bv",), concerns=("cert-cw",))
    position = FeedPosition("cert-aq/main/k2", 1, "")
    found = verified(token(address=address_of, position=position, replaces="A" * 43))
    assert not any(
        getattr(found.claims, name) is UNSET for name in Claims.__struct_fields__
    )


def test_the_tlp_of_an_object_is_its_own_and_the_strictest_if_it_has_none() -> None:
    unmarked = {k: v for k, v in address().items() if k != "object_marking_refs"}
    found = verified(
        mint(
            tree(incident(), address(), unmarked | {"id": an_id("url"), "type": "url"})
        )
    )
    assert [found.tlp_of(i) for i in range(3)] == [
        Tlp.GREEN,
        Tlp.AMBER,
        Tlp.AMBER_STRICT,
    ]


def test_each_part_names_the_disclosure_that_carries_it() -> None:
    address_of = Address(to=("cert-bv",), concerns=("platform-lumen",))
    found = verified(token(address=address_of, position=FeedPosition("f", 1, "")))
    assert found.claim_slots.keys() == {
        ("to",), ("concerns",), ("feed",), ("seq",), ("prev",)
    }  # fmt: skip
    assert found.primary is not None
    slots = found.slots[found.primary]
    assert slots.keys() == {
        (), ("name",), ("description",), ("description", 0), ("labels",),
        ("labels", 0), ("labels", 1), ("extensions", INCIDENT_CORE, "criticality"),
    }  # fmt: skip
    carried = found.opened.disclosures[slots["labels", 1]]
    assert carried.parent == slots["labels",]
    indices = [i for each in (*found.slots, found.claim_slots) for i in each.values()]
    assert sorted(indices) == list(range(len(found.opened.disclosures)))


# -- a cut copy


def test_a_cut_copy_is_believed_as_far_as_it_goes() -> None:
    found = verified(cut(mint(tree()), ("stix", "objects", 0, "name")))
    assert not found.complete
    assert found.withheld == 1
    assert "name" not in found.plain[0]
    assert found.token_id == sdjwt.token_id(mint(tree()))


def test_a_bare_token_is_believed_and_has_no_primary_object() -> None:
    bare = mint(tree()).partition(b"~")[0] + b"~"
    found = verified(bare)
    assert (found.primary, found.objects, found.withheld) == (None, (), 2)
    assert not found.complete
    assert found.claims.sub == an_id("incident")


def test_without_its_primary_object_a_record_has_none() -> None:
    found = verified(cut(mint(tree()), ("stix", "objects", 0)))
    assert found.primary is None
    assert [o.type for o in found.objects] == ["ipv4-addr"]


def test_an_object_may_lose_all_that_is_withholdable() -> None:
    whole = verified(token(draft(incident(extensions={INCIDENT_CORE: {"scores": 1}}))))
    main = {d.path for d in whole.opened.disclosures if len(d.path) == 3}
    objects = {index_of(whole, *path) for path in main}
    found = verified(sdjwt.withhold(whole.opened, objects))
    visible = set(profile.visible("incident", primary=True))
    assert found.plain[0].keys() <= visible
    assert found.plain[0]["extensions"] == {INCIDENT_CORE: {}}
    address_alone = verified(token(draft(incident(), address())))
    [place] = [i for i, o in enumerate(address_alone.plain) if o["type"] != "incident"]
    only = {address_alone.slots[place][()]}
    [found_address] = verified(sdjwt.withhold(address_alone.opened, only)).plain
    assert found_address.keys() == {"type", "id", "spec_version", "object_marking_refs"}


def test_a_text_without_its_segments_says_that_something_is_withheld() -> None:
    place = ("stix", "objects", 0, "description")
    found = verified(cut(mint(tree()), (*place, 0)))
    assert found.plain[0]["description"] == "[withheld]"
    assert "description" not in verified(cut(mint(tree()), place)).plain[0]


def test_a_list_that_lost_all_its_elements_is_gone() -> None:
    place = ("stix", "objects", 0, "labels")
    found = verified(cut(mint(tree()), (*place, 0)))
    assert found.plain[0]["labels"] == ["register"]
    found = verified(cut(mint(tree()), (*place, 0), (*place, 1)))
    assert "labels" not in found.plain[0]


def test_a_list_in_an_extension_may_be_empty() -> None:
    extension = {"events": ["a"], "tasks": []}
    signed = mint(tree(incident(extensions={INCIDENT_CORE: extension})))
    place = ("stix", "objects", 0, "extensions", INCIDENT_CORE, "events", 0)
    found = verified(cut(signed, place))
    assert found.plain[0]["extensions"][INCIDENT_CORE] == {"events": [], "tasks": []}


def test_a_claim_that_is_withheld_is_missing() -> None:
    signed = token(address=Address(to=("cert-bv",), concerns=("cert-cw",)))
    found = verified(cut(signed, ("to",)))
    assert not found.claims.to
    assert found.claims.concerns == ("urn:tocsin:org:cert-cw",)


# -- the header


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
        {"jku": "https://example.org/keys"},
        {"x5u": "https://example.org/cert"},
        {"x5c": ["AAAA"]},
        {"x5t#S256": "AAAA"},
        {"zip": "DEF"},
        {"b64": False},
        {"cty": "JWT"},
        {"mallory": None},
        {"Kid": CERT.kid},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_header_with_another_member_is_refused(more: dict[str, Any]) -> None:
    assert refusal(forge({}, header=HEADER | more)).reason == "header"


@pytest.mark.parametrize("name", HEADER)
def test_a_header_that_lacks_a_member_is_refused(name: str) -> None:
    short = {k: v for k, v in HEADER.items() if k != name}
    assert refusal(forge({}, header=short)).reason == "header"
    assert refusal(forge({}, header=HEADER | {name: None})).reason == "header"
    assert refusal(forge({}, header=HEADER | {name: ["x"]})).reason == "header"


@pytest.mark.parametrize(
    "header",
    [
        b"", b"{}", b"[]", b"null", b'"text"', b"{", b"\xff", b"[" * 500,
        b'{"alg":"EdDSA","alg":"EdDSA","kid":"a","typ":"b"}',
        b'{"alg":"EdDSA","kid":"\\ud800","typ":"b"}',
        b'{"alg":1e999,"kid":"a","typ":"b"}',
    ],
)  # fmt: skip
def test_a_header_that_is_none_is_refused(header: bytes) -> None:
    assert refusal(forge({}, header=header)).reason == "header"


@pytest.mark.parametrize(
    "typ",
    [
        "vnd.tocsin.receipt+jwt",
        "vnd.tocsin.seen+jwt",
        "vnd.tocsin.record+jwt",
        "application/vnd.tocsin.record+sd-jwt",
        "VND.TOCSIN.RECORD+SD-JWT",
        "kb+jwt",
        "dc+sd-jwt",
        "JWT",
        "",
    ],
)
def test_a_token_of_another_type_is_refused(typ: str) -> None:
    assert refusal(forge({}, header=HEADER | {"typ": typ})).reason == "typ"


@pytest.mark.parametrize(
    "alg", ["none", "None", "", "HS256", "ES256", "RS256", "Ed448", "eddsa", "EdDSA "]
)
def test_an_algorithm_that_is_not_the_key_s_is_refused(alg: str) -> None:
    assert refusal(forge({}, header=HEADER | {"alg": alg})).reason == "alg"


def test_a_token_without_a_signature_is_refused_under_any_algorithm() -> None:
    for alg, why in (("none", "alg"), ("EdDSA", "signature")):
        signed = forge({}, header=HEADER | {"alg": alg}).rpartition(b".")[0]
        assert refusal(signed + b".~").reason == why


def test_both_names_of_the_algorithm_are_taken() -> None:
    # RFC 9864 renames EdDSA; the payload is what is refused.
    for alg in ("EdDSA", "Ed25519"):
        assert refusal(forge({}, header=HEADER | {"alg": alg})).reason == "claims"


@pytest.mark.parametrize(
    "kid", ["", "cert-aq", STRANGER.kid, CERT.kid + "x", CERT.kid.upper(), "../x"]
)
def test_a_key_that_the_directory_does_not_know_is_refused(kid: str) -> None:
    assert refusal(forge({}, header=HEADER | {"kid": kid})).reason == "unknown-key"


def test_a_key_that_did_not_sign_is_refused() -> None:
    stolen = forge({}, key=private_key("stranger"))
    assert refusal(stolen).reason == "signature"
    assert refusal(forge({}, header=HEADER | {"kid": PLATFORM.kid})).reason == (
        "signature"
    )


# -- claims


def test_a_member_cannot_sign_for_another() -> None:
    assert refusal(mint(tree(), by=PLATFORM)).reason == "iss-kid"
    assert reason(tree(iss="urn:tocsin:org:platform-lumen")) == "iss-kid"


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("iss", "cert-aq", "$.iss"),
        ("iss", "urn:tocsin:org:cert-aq\n", "$.iss"),
        ("iat", "now", "$.iat"),
        ("exp", None, "$.exp"),
        ("sub", CANARY, "$.sub"),
        ("aud", [], "$.aud"),
        ("aud", [CANARY], "$.aud[0]"),
        ("kind", CANARY, "$.kind"),
        ("tlp", CANARY, "$.tlp"),
        ("severity", CANARY, "$.severity"),
        ("countries", [CANARY], "$.countries[0]"),
        ("exercise", CANARY, "$.exercise"),
        ("full", CANARY, "$.full"),
        ("sup", CANARY, "$.sup"),
        ("to", Hidden([CANARY]), "$.to[0]"),
        ("to", Hidden({CANARY: 1}), "$.to"),
        ("prev", Hidden(CANARY), "$.prev"),
        ("seq", Hidden(0), "$.seq"),
        ("ver", CANARY, "$.ver"),
        ("ver", "2026-02-30T00:00:00Z", "$.ver"),
        ("need", {"threshold": 2}, "$"),
        (CANARY, 1, "$"),
        (f"x - at `${CANARY}", 1, "$"),
        (f"{CANARY}` - at `$.{CANARY}", Hidden(1), "$"),
    ],
)
def test_a_claim_that_is_malformed_or_unknown_is_refused_and_not_quoted(
    name: str, value: Any, where: str
) -> None:
    error = refusal(mint(tree(**{name: value})))
    assert (error.reason, error.where) == ("claims", where)
    assert CANARY not in str(error)


@pytest.mark.parametrize(
    "name",
    [
        "iss", "iat", "exp", "sub", "ver", "aud", "vct", "kind", "tlp", "severity",
        "countries", "sectors", "languages", "exercise", "stix",
    ],
)  # fmt: skip
def test_a_claim_that_is_missing_or_may_be_withheld_is_refused(name: str) -> None:
    claims = tree()
    value = claims.pop(name)
    assert reason(claims) == "claims"
    hidden = mint(claims | {name: Hidden(value)})
    assert refusal(hidden).reason == "visible-as-disclosure"
    bare = hidden.partition(b"~")[0] + b"~"
    assert refusal(bare).reason == "claims"


@pytest.mark.parametrize("name", ["aud", "countries", "sectors", "languages"])
def test_an_element_of_a_visible_claim_may_not_be_withheld(name: str) -> None:
    value = {"aud": "urn:tocsin:community:eu", "countries": "XB"}.get(name, "en")
    claims = tree()
    hidden = mint(claims | {name: [*claims[name], Hidden(value)]})
    assert refusal(hidden).reason == "visible-as-disclosure"
    # Withheld, it would be as if it had never been there.
    bare = hidden.partition(b"~")[0] + b"~"
    assert refusal(bare).reason == "sd-shape"


@pytest.mark.parametrize("name", ["to", "concerns"])
def test_a_part_of_a_withholdable_claim_may_not_be_withheld(name: str) -> None:
    orgs = ["urn:tocsin:org:cert-bv", Hidden("urn:tocsin:org:cert-cw")]
    signed = mint(tree(**{name: Hidden(orgs)}))
    assert refusal(signed).reason == "visible-as-disclosure"
    jwt, *texts, _ = signed.split(b"~")
    without_it = [t for t in texts if b"cert-cw" not in base64url.decode(t)]
    error = refusal(b"~".join([jwt, *without_it, b""]))
    assert error.reason == "sd-shape"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", ["urn:tocsin:org:cert-bv"]),
        ("concerns", []),
        ("feed", "f"),
        ("seq", 1),
        ("prev", ""),
    ],
)
def test_a_withholdable_claim_in_the_clear_is_refused(name: str, value: Any) -> None:
    assert verified(mint(tree(**{name: Hidden(value)})))
    error = refusal(mint(tree(**{name: value})))
    assert (error.reason, error.where) == ("not-withholdable", f"$.{name}")


@pytest.mark.parametrize("name", ["sup", "full"])
def test_a_claim_of_digests_may_not_be_a_disclosure_either(name: str) -> None:
    claims = tree(sup="A" * 43, full="A" * 43)
    claims[name] = Hidden("A" * 43)
    payload, texts = sdjwt.conceal(claims, lambda: b"saltsaltsaltsalt")
    signed = sdjwt.assemble(HEADER, payload, texts, CERT.sign)
    assert refusal(signed).reason == "visible-as-disclosure"


@pytest.mark.parametrize(
    "vct", ["", "urn:tocsin:record:2", "urn:tocsin:record:1 ", "https://example.org"]
)
def test_another_profile_is_refused(vct: str) -> None:
    assert reason(tree(vct=vct)) == "vct"


@pytest.mark.parametrize(
    "bundle",
    [
        None, [], "text", {}, {"type": "bundle"}, {"objects": []},
        {"type": "report", "objects": []},
        {"type": "bundle", "objects": {}},
        {"type": "bundle", "objects": None},
        {"type": "bundle", "objects": [], "id": an_id("bundle")},
        {"type": "bundle", "objects": [], "spec_version": "2.1"},
    ],
)  # fmt: skip
def test_a_bundle_that_is_none_is_refused(bundle: Any) -> None:
    error = refusal(mint(tree(stix=bundle)))
    assert (error.reason, error.where) == ("claims", "$.stix")


def test_nothing_around_the_objects_may_be_withheld() -> None:
    objects = tree()["stix"]["objects"]
    for bundle in (
        Hidden({"type": "bundle", "objects": objects}),
        {"type": Hidden("bundle"), "objects": objects},
        {"type": "bundle", "objects": Hidden(objects)},
    ):
        assert reason(tree(stix=bundle)) == "visible-as-disclosure"
    spare = {"type": "bundle", "objects": objects, "x": Hidden(1)}
    bare = mint(tree(stix=spare)).partition(b"~")[0] + b"~"
    assert refusal(bare).reason == "sd-shape"


# -- what the issuer may do


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_the_directory_does_not_allow_is_refused(kind: str) -> None:
    others = tuple(k for k in KINDS if k != kind)
    main = incident(revoked=True)
    if kind == "campaign":
        main = plain_object("campaign")
    if kind == "advisory":
        main = plain_object("report", object_refs=[an_id("url")])
    claims = tree(main, kind=kind)
    assert verified(mint(claims), directory(kinds=(kind,)))
    assert refusal(mint(claims), directory(kinds=others)).reason == "kind-not-allowed"
    assert refusal(mint(claims), directory(kinds=())).reason == "kind-not-allowed"


def test_who_trusts_a_single_key_allows_every_kind() -> None:
    assert verified(token(), single_key("cert-aq", CERT.jwk))


@pytest.mark.parametrize("kind", ["campaign", "advisory", "feedback"])
def test_an_incident_under_the_name_of_another_kind_is_refused(kind: str) -> None:
    # Else who may only give feedback could publish incidents.
    known = directory(kinds=(*KINDS, "feedback"))
    error = refusal(mint(tree(kind=kind)), known)
    assert (error.reason, error.where) == ("kind-mismatch", "$.kind")


def test_a_record_about_what_cannot_be_primary_is_refused() -> None:
    main = plain_object("indicator")
    assert reason(tree(main, kind="correction")) == "kind-mismatch"


def test_a_heartbeat_is_read_and_left_to_the_gate() -> None:
    assert verified(mint(tree(kind="heartbeat")), directory(kinds=("heartbeat",)))


def test_a_retraction_of_what_is_not_revoked_is_refused() -> None:
    assert verified(mint(tree(incident(revoked=True), kind="retraction")))
    for main in (incident(), incident(revoked=False)):
        error = refusal(mint(tree(main, kind="retraction")))
        assert (error.reason, error.where) == ("not-revoked", "$.stix.objects[0]")


def test_a_whole_disinformation_record_without_a_behaviour_is_refused() -> None:
    main, narrative = plain_object("campaign"), plain_object("narrative")
    assert reason(tree(main, narrative, kind="campaign")) == "no-behaviour"
    whole = mint(tree(main, narrative, plain_object("attack-pattern"), kind="campaign"))
    assert verified(whole)
    # In a cut copy, the behaviour may be what was cut.
    assert verified(cut(whole, ("stix", "objects", 2)))


# -- times


def test_a_record_issued_in_the_future_is_refused() -> None:
    assert verified(mint(tree(iat=NOW + 120, exp=NOW + 200)))
    assert reason(tree(iat=NOW + 121, exp=NOW + 200)) == "issued-in-future"


def test_a_record_beyond_its_horizon_is_refused() -> None:
    assert verified(mint(tree(exp=NOW)))
    assert reason(tree(exp=NOW - 1)) == "expired"
    assert refusal(token(), now=NOW + 3 * 365 * 86_400).reason == "expired"


def test_a_version_in_the_future_is_refused() -> None:
    for stamp, why in (
        ("2026-12-01T12:02:00.000Z", ""),
        ("2026-12-01T12:02:00.001Z", "version-in-future"),
    ):
        signed = mint(tree(incident(modified=stamp)))
        assert refused(signed) == why


def test_a_record_issued_outside_the_validity_of_its_key_is_refused() -> None:
    first, last = "2026-12-01T12:00:00Z", "2026-12-02T12:00:00Z"
    known = directory(keys=(key_entry(not_before=first, not_after=last),))
    later = {"now": NOW + WEEK_S}

    def claims(iat: int) -> dict[str, Any]:
        return tree(iat=iat, exp=NOW + 2 * WEEK_S)

    for iat in (NOW, NOW + 86_400):
        assert verified(mint(claims(iat)), known, **later)
    for iat in (NOW - 1, NOW + 86_401):
        assert refusal(mint(claims(iat)), known, **later).reason == "key-not-valid"


def test_a_revocation_counts_from_when_a_record_was_first_seen() -> None:
    known = directory(keys=(key_entry(revoked_at="2026-12-01T13:00:00Z"),))
    hour = NOW + 3600
    signed = mint(tree(iat=NOW - 60))
    assert verified(signed, known, now=NOW)
    assert verified(signed, known, now=hour + 60, first_seen=hour - 1)
    # Whoever has the key can write any `iat`.
    for seen in ({"now": hour}, {"now": hour + 60, "first_seen": hour}):
        assert refusal(signed, known, **seen).reason == "key-revoked"


# -- objects against the profile


@pytest.mark.parametrize(
    "name",
    ["type", "id", "spec_version", "object_marking_refs", "created", "modified"],
)
def test_what_must_always_be_visible_may_not_be_a_disclosure(name: str) -> None:
    claims = tree()
    main = main_of(claims)
    main[name] = Hidden(main[name])
    assert reason(claims) == "visible-as-disclosure"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revoked", True),
        ("confidence", 10),
        ("lang", "fr"),
        ("defanged", True),
        ("granular_markings", [{"selectors": ["name"], "lang": "fr"}]),
    ],
)
def test_what_would_change_the_meaning_may_not_be_a_disclosure(
    name: str, value: Any
) -> None:
    assert verified(mint(bent(**{name: value})))
    error = refusal(mint(bent(**{name: Hidden(value)})))
    assert error.reason == "visible-as-disclosure"
    assert error.where == f"$.stix.objects[0].{name}"


def test_a_visible_part_of_an_extension_may_not_be_a_disclosure() -> None:
    core = {"determination": Hidden("suspected")}
    assert reason(bent(extensions={INCIDENT_CORE: core})) == "visible-as-disclosure"


def test_an_object_in_the_clear_is_refused() -> None:
    claims = tree()
    claims["stix"]["objects"][1] = claims["stix"]["objects"][1].value
    error = refusal(mint(claims))
    assert (error.reason, error.where) == ("not-withholdable", "$.stix.objects[1]")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "A voter register was copied"),
        ("description", [Hidden([0, 1, TEXT])]),
        ("labels", [Hidden("election")]),
        ("labels", Hidden(["election", Hidden("register")])),
        ("x_new", 1),
        ("extensions", {"unknown": {"a": 1}}),
        ("extensions", {INCIDENT_CORE: {"criticality": 60}}),
        ("extensions", {INCIDENT_CORE: {"events": Hidden(["a"])}}),
        ("extensions", {INCIDENT_CORE: "text"}),
    ],
)
def test_what_must_be_withholdable_may_not_stand_in_the_clear(
    name: str, value: Any
) -> None:
    error = refusal(mint(bent(**{name: value})))
    assert error.reason == "not-withholdable"
    spelled = "[...]" if name == "x_new" else f".{name}"
    assert error.where == f"$.stix.objects[0]{spelled}"


def test_the_times_of_another_object_must_be_withholdable() -> None:
    other = plain_object("campaign")
    claims = tree(incident(), other)
    claims["stix"]["objects"][1].value["modified"] = MODIFIED
    assert reason(claims) == "not-withholdable"


MARK = {"selectors": ["name"], "marking_ref": TLP_IDS[Tlp.AMBER]}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("name", Hidden([Hidden("a")]), "sd-shape"),
        ("x_new", Hidden({"a": Hidden(1)}), "sd-shape"),
        ("x_new", Hidden([{"a": Hidden(1)}]), "sd-shape"),
        ("labels", Hidden([Hidden("a"), Hidden({"b": Hidden(1)})]), "sd-shape"),
        ("description", Hidden([Hidden([0, 1, Hidden(TEXT)])]), "segments"),
        ("object_marking_refs", [TLP_IDS[Tlp.GREEN], Hidden(MARK)], "sd-shape"),
        # Without this, a marking could be withheld and nobody would know.
        ("granular_markings", [MARK, Hidden(MARK)], "sd-shape"),
        ("granular_markings", [MARK | {"selectors": ["name", Hidden("id")]}], "sd-shape"),
        ("extensions", {INCIDENT_CORE: {"scores": Hidden([Hidden(1)])}}, "sd-shape"),
        ("extensions", {INCIDENT_CORE: {"determination": [Hidden(1)]}}, "sd-shape"),
        ("extensions", {"unknown": Hidden({"a": Hidden(1)})}, "sd-shape"),
        # Gone as a whole, these look like any property that is withheld.
        ("extensions", Hidden({INCIDENT_CORE: {}}), ""),
        ("extensions", {INCIDENT_CORE: Hidden({"determination": "suspected"})}, ""),
    ],
)  # fmt: skip
def test_a_disclosure_finer_than_the_profile_cuts_is_refused_shown_or_withheld(
    name: str, value: Any, why: str
) -> None:
    whole = mint(bent(**{name: value}))
    assert refusal(whole).reason == "visible-as-disclosure"
    opened = sdjwt.verify(whole, lambda _: CERT_KEY)
    parts = {
        len(d.path): i
        for i, d in enumerate(opened.disclosures)
        if d.path[3:4] == (name,)
    }
    finest = parts[max(parts)]
    less = sdjwt.withhold(opened, set(range(len(opened.disclosures))) - {finest})
    assert refused(less).partition(" at ")[0] == why


def test_decoys_are_fine_where_the_profile_cuts() -> None:
    decoy = Hidden("a decoy")
    claims = tree() | {"decoy": decoy}
    claims["stix"]["objects"].append(decoy)
    main = main_of(claims)
    main["x_decoy"] = decoy
    main["labels"] = Hidden([*main["labels"].value, decoy])
    main["extensions"]["unknown"] = decoy
    main["extensions"][INCIDENT_CORE]["decoy"] = decoy
    source = entropy()
    payload, texts = sdjwt.conceal(claims, lambda: source(16))
    # A decoy is the digest of nothing that anybody has.
    kept = [t for t in texts if b"a decoy" not in base64url.decode(t)]
    payload["full"] = sdjwt.digest(b"~".join(sorted(kept)))
    found = verified(sdjwt.assemble(HEADER, payload, kept, CERT.sign))
    assert found.complete
    assert found.withheld == 6


# -- texts


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(TEXT, id="a text that is not segmented"),
        pytest.param([Hidden(TEXT)], id="a text for a segment"),
        pytest.param([Hidden([1, 1, TEXT])], id="a place beyond the count"),
        pytest.param([Hidden([0, 2, TEXT])], id="a segment that never was"),
        pytest.param([], id="no segments, nothing withheld"),
        pytest.param([Hidden([1, 2, "b"]), Hidden([0, 2, "a"])], id="the wrong order"),
        pytest.param([Hidden([0, 1, "a"]), Hidden([0, 1, "b"])], id="a place twice"),
    ],
)
def test_a_text_that_is_not_made_of_segments_is_refused(value: Any) -> None:
    error = refusal(mint(bent(description=Hidden(value))))
    assert (error.reason, error.where) == ("segments", "$.stix.objects[0].description")


def test_a_text_of_several_segments_is_joined() -> None:
    parts = [Hidden([0, 2, "It is not confirmed "]), Hidden([1, 2, "yet."])]
    signed = mint(bent(description=Hidden(parts)))
    assert verified(signed).plain[0]["description"] == "It is not confirmed yet."
    place = ("stix", "objects", 0, "description")
    less = verified(cut(signed, (*place, 0)))
    assert less.plain[0]["description"] == "[withheld]yet."


def test_a_text_has_no_decoys_so_that_withheld_is_true() -> None:
    whole = mint(bent(description=Hidden([Hidden([0, 1, "a"]), Hidden([1, 2, "b"])])))
    opened = sdjwt.verify(whole, lambda _: CERT_KEY)
    [second] = [
        i for i, d in enumerate(opened.disclosures) if d.path[-2:] == ("description", 1)
    ]
    less = sdjwt.withhold(opened, set(range(len(opened.disclosures))) - {second})
    assert refusal(less).reason == "segments"


def test_a_boolean_with_the_name_of_a_text_is_believed() -> None:
    # STIX 2.1, Sighting: `summary` is no text.
    sighting = plain_object(
        "sighting", summary=True, sighting_of_ref=an_id("indicator")
    )
    found = verified(token(draft(incident(), sighting)))
    assert sorted(str(o.get("summary")) for o in found.plain) == ["None", "True"]


# -- the objects themselves


@pytest.mark.parametrize("value", [1, "text", None, [], ["a"]])
def test_an_object_that_is_none_is_refused(value: Any) -> None:
    claims = tree()
    claims["stix"]["objects"].append(Hidden(value))
    error = refusal(mint(claims))
    assert (error.reason, error.where) == ("not-stix", "$.stix.objects[2]")


def test_an_object_that_is_no_stix_is_refused_at_its_place() -> None:
    for change, why, where in (
        ({"type": "bundle"}, "not-stix", ""),
        ({"type": 7}, "not-stix", ""),
        ({"spec_version": "2.0"}, "stix-version", ".spec_version"),
        ({"revoked": "yes"}, "bad-property", ".revoked"),
        ({"name": Hidden(7)}, "bad-property", ".name"),
        ({"x_n": Hidden("a" * (2**20 + 1))}, "too-large", "[...]"),
    ):
        error = refusal(mint(bent(**change)))
        assert (error.reason, error.where) == (why, f"$.stix.objects[0]{where}")
    assert reason(tree(incident(), address(id=an_id("url")))) == "bad-id"
    assert reason(tree(incident(), address(id=CANARY))) == "bad-id"
    assert reason(without("id")) == "not-withholdable"
    assert reason(without("type")) == "not-stix"


def test_red_is_refused_until_it_can_be_sealed() -> None:
    red = [TLP_IDS[Tlp.RED]]
    error = refusal(mint(tree(incident(), address(object_marking_refs=red))))
    assert (error.reason, error.where) == ("needs-sealing", "$.stix.objects[1]")
    part = [{"selectors": ["name"], "marking_ref": red[0]}]
    assert reason(bent(granular_markings=part)) == "needs-sealing"


def test_a_selector_that_is_none_is_refused() -> None:
    # Redaction would stumble over it, with the message in its hands.
    part = [{"selectors": ["..."], "marking_ref": TLP_IDS[Tlp.GREEN]}]
    error = refusal(mint(bent(granular_markings=part)))
    assert error.reason == "bad-selector"
    assert error.where.startswith("$.stix.objects[0].granular_markings")


def test_two_objects_with_one_id_are_refused() -> None:
    error = refusal(mint(tree(incident(), address(), address(value="192.0.2.8"))))
    assert (error.reason, error.where) == ("duplicate-id", "$.stix.objects")


@pytest.mark.parametrize("ver", ["2026-12-01T10:00:00Z", "2026-12-01T09:00:00.000Z"])
def test_another_version_than_claimed_is_refused(ver: str) -> None:
    error = refusal(mint(tree(ver=ver)))
    assert (error.reason, error.where) == ("version-mismatch", "$.stix.objects[0]")


def test_a_primary_object_without_a_version_is_refused() -> None:
    assert reason(without("modified")) == "version-mismatch"


@pytest.mark.parametrize("tlp", ["CLEAR", "AMBER", "AMBER+STRICT", "RED"])
def test_another_marking_than_claimed_is_refused(tlp: str) -> None:
    error = refusal(mint(tree(tlp=tlp)))
    assert (error.reason, error.where) == ("tlp-mismatch", "$.stix.objects[0]")


def test_a_primary_object_without_a_marking_is_refused() -> None:
    assert reason(without("object_marking_refs")) == "tlp-mismatch"
    other = [an_id("marking-definition")]
    assert reason(bent(object_marking_refs=other)) == "tlp-mismatch"


def test_of_several_markings_the_strictest_counts() -> None:
    both = [TLP_IDS[Tlp.CLEAR], TLP_IDS[Tlp.GREEN]]
    assert verified(mint(bent(object_marking_refs=both)))


def test_the_disclosures_of_another_record_do_not_fit() -> None:
    one, other = token(seed=1), token(seed=2)
    mixed = one.partition(b"~")[0] + b"~" + other.partition(b"~")[2]
    assert refusal(mixed).reason == "unreferenced-disclosure"


def test_a_record_of_very_many_objects_is_verified() -> None:
    assert MAX_OBJECTS == 20_000
    many = [address(id=an_id("ipv4-addr", n)) for n in range(500)]
    assert len(verified(mint(tree(incident(), *many))).objects) == 501


# -- properties


@settings(derandomize=True, max_examples=200)
@given(st.binary(max_size=300))
@example(b"")
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert refusal(data)


WHOLE = token(address=Address(to=("cert-bv",)), position=FeedPosition("f", 1, ""))


@settings(derandomize=True, max_examples=200)
@given(st.data())
def test_a_mutated_token_raises_only_our_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 200)))
    changed = WHOLE[:start] + data.draw(st.binary(max_size=5)) + WHOLE[end:]
    try:
        found = verified(changed)
    except RefusedError:
        return
    # What still verifies is the same token, perhaps with less of it.
    assert found.token_id == sdjwt.token_id(WHOLE)
    assert found.complete == (len(found.opened.disclosures) == WHOLE.count(b"~") - 1)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree, through what is hidden."""
    inner = value.value if isinstance(value, Hidden) else value
    found = [path]
    if isinstance(inner, dict):
        for name, each in inner.items():
            found += spots(each, (*path, name))
    elif isinstance(inner, list):
        for index, each in enumerate(inner):
            found += spots(each, (*path, index))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Copy a tree with *new* at *path*."""
    if not path:
        return new
    if isinstance(value, Hidden):
        return Hidden(put(value.value, path, new))
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


SPOTS = [path for path in spots(tree()) if path]
fragments = (
    json_values
    | st.sampled_from(
        [
            [0, 1, "text"], an_id("incident"), [], {}, {"type": "incident"}, "bundle",
            "urn:tocsin:org:cert-aq", NOW, MODIFIED, [[0, 1, "a"]], {INCIDENT_CORE: []},
        ]
    )
)  # fmt: skip


@settings(derandomize=True, max_examples=300)
@given(st.sampled_from(SPOTS), fragments, st.booleans())
def test_anything_at_any_place_signed_with_care_raises_only_our_error(
    path: tuple[Any, ...], value: Any, hidden: bool
) -> None:
    why = refused(mint(put(tree(), path, Hidden(value) if hidden else value)))
    assert why.partition(" at ")[0] in {"", *REASONS}


@settings(derandomize=True, max_examples=60)
@given(st.sampled_from(SPOTS), json_values)
def test_no_text_of_a_record_stands_in_a_refusal(
    path: tuple[Any, ...], value: Any
) -> None:
    for spoiled in (CANARY, {CANARY: value}, [CANARY, value], Hidden({CANARY: CANARY})):
        assert CANARY not in refused(mint(put(tree(), path, spoiled)))
        assert CANARY not in refused(mint(put(tree(), path[:-1], {CANARY: spoiled})))
