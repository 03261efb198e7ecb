"""Trust: headers, claims, rights and times for which a record is not believed.

Headers are made by hand. The other bad records are `tree`s, bent at one place and
signed with the issuer's own key, all digests right: only the one check can refuse.
"""

from typing import Any

import pytest

from broker import base64url, concealing
from broker.concealing import Hidden
from broker.directory import single_key
from tests.support.records import (
    CERT,
    HEADER,
    KINDS,
    NOW,
    PLATFORM,
    STRANGER,
    an_id,
    directory,
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
from tests.support.suspended import suspended
from tests.support.verifying import cut, reason, refusal, refused, verified

CANARY = "mallory"
WEEK_S = 7 * 86_400

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

_NAMED = [f"urn:tocsin:org:{org}" for org in ("cert-aq", "cert-bv", "cert-cw")]


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
        ("need", {"threshold": 2}, "$.need"),
        ("need", {"threshold": 2, "iss": [CANARY, CANARY]}, "$.need.iss[0]"),
        ("need", {"threshold": 2, "iss": _NAMED, CANARY: 1}, "$.need"),
        ("need", {"threshold": 2, "iss": _NAMED[1:]}, "$.need"),
        ("need", {"threshold": 3, "iss": _NAMED[:2]}, "$.need"),
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
    payload, texts, _ = concealing.conceal(claims, entropy())
    signed = concealing.assemble(HEADER, payload, texts, CERT.sign)
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
        {"type": ["bundle"], "objects": []},
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
    needed = {kind, "incident"} if main["type"] == "incident" else {kind}
    assert verified(mint(claims), directory(kinds=tuple(needed)))
    assert refusal(mint(claims), directory(kinds=others)).reason == "kind-not-allowed"
    assert refusal(mint(claims), directory(kinds=())).reason == "kind-not-allowed"


@pytest.mark.parametrize("kind", ["correction", "retraction"])
def test_who_may_not_publish_incidents_may_not_change_them_either(kind: str) -> None:
    claims = tree(incident(revoked=True), kind=kind)
    only = directory(kinds=(kind,))
    assert refusal(mint(claims), only).reason == "kind-not-allowed"


@pytest.mark.parametrize("kind", ["incident", "correction", "retraction"])
def test_who_practises_publishes_exercises_alone(kind: str) -> None:
    main = incident(revoked=True)
    practising = directory(exercise=True)
    drill = mint(tree(main, kind=kind, exercise=True))
    real = mint(tree(main, kind=kind, exercise=False))
    assert verified(drill, practising)
    assert verified(drill, directory())
    assert refusal(real, practising).reason == "exercise-only"
    assert verified(real, directory())


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


# -- requests to take something down

ASKED = {"kind": "takedown-request", "to": Hidden(["urn:tocsin:org:platform-lumen"])}
MAY_ASK = directory(kinds=(*KINDS, "takedown-request"))


def request(**properties: Any) -> dict[str, Any]:
    said = {"requesting_body": "A court", "legal_basis": "§ 86", "necessity": "So."}
    made = plain_object("takedown-request", **(said | properties))
    return {name: value for name, value in made.items() if value is not None}


def asking(main: dict[str, Any], **claims: Any) -> bytes:
    return mint(tree(main, severity="unknown", **(ASKED | claims)))


def test_a_request_in_order_is_believed() -> None:
    assert verified(asking(request()), MAY_ASK)
    assert verified(asking(request(), kind="correction"), MAY_ASK)
    taken_back = request(revoked=True)
    assert verified(asking(taken_back, kind="retraction"), MAY_ASK)


@pytest.mark.parametrize("name", ["requesting_body", "legal_basis", "necessity"])
@pytest.mark.parametrize("kind", ["takedown-request", "correction", "retraction"])
def test_a_whole_request_without_its_legal_basis_is_refused(
    name: str, kind: str
) -> None:
    for said in (None, ""):
        bare = request(revoked=True, **{name: said})
        error = refusal(asking(bare, kind=kind), MAY_ASK)
        assert error.reason == "no-legal-basis"
        assert error.where == f"$.objects[0].{name}"
    # In a cut copy, it may be what was cut.
    place = ("stix", "objects", 0, name)
    assert verified(cut(asking(request()), place, known=MAY_ASK), MAY_ASK)


@pytest.mark.parametrize("kind", ["takedown-request", "correction", "retraction"])
def test_a_whole_request_to_nobody_is_refused(kind: str) -> None:
    main = request(revoked=True)
    assert refusal(asking(main, kind=kind, to=Hidden([])), MAY_ASK).reason == (
        "not-addressed"
    )
    claims = tree(main, severity="unknown", kind=kind)
    error = refusal(mint(claims), MAY_ASK)
    assert (error.reason, error.where) == ("not-addressed", "$.to")
    unnamed = cut(asking(main, kind=kind), ("to",), known=MAY_ASK)
    assert verified(unnamed, MAY_ASK)


def test_a_request_inside_another_record_is_refused_in_every_copy() -> None:
    whole = tree(incident(), request())
    for claims in (whole, whole | {"full": "A" * 43}):  # of more than is there
        error = refusal(mint(claims))
        assert (error.reason, error.where) == ("kind-mismatch", "$.objects[1]")


@pytest.mark.parametrize("kind", ["takedown-request", "correction", "retraction"])
def test_who_may_not_ask_for_takedowns_may_not_change_requests_either(
    kind: str,
) -> None:
    main = request(revoked=True)
    assert refusal(asking(main, kind=kind)).reason == "kind-not-allowed"
    under_another_name = asking(main, kind="advisory")
    assert refusal(under_another_name, MAY_ASK).reason == "kind-mismatch"


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


def test_a_suspension_counts_from_when_a_record_was_first_seen() -> None:
    week = 604_800
    signed = mint(tree(iat=NOW - 60, exp=NOW + 3 * week))
    for subject, code in (
        (CERT.org, "member-suspended"),
        (CERT.kid, "key-suspended"),
    ):
        known = suspended(directory(), subject, NOW, NOW + week)
        for seen in ({"now": NOW}, {"now": NOW + 60, "first_seen": NOW}):
            assert refusal(signed, known, **seen).reason == code
        assert verified(signed, known, now=NOW + 60, first_seen=NOW - 1)
        # What came in meanwhile does not count later either; what comes then does.
        later = {"now": NOW + 2 * week}
        assert refusal(signed, known, **later, first_seen=NOW + 60).reason == code
        assert verified(signed, known, **later)


def test_a_revocation_counts_from_when_a_record_was_first_seen() -> None:
    known = directory(keys=(key_entry(revoked_at="2026-12-01T13:00:00Z"),))
    hour = NOW + 3600
    signed = mint(tree(iat=NOW - 60))
    assert verified(signed, known, now=NOW)
    assert verified(signed, known, now=hour + 60, first_seen=hour - 1)
    # Whoever has the key can write any `iat`.
    for seen in ({"now": hour}, {"now": hour + 60, "first_seen": hour}):
        assert refusal(signed, known, **seen).reason == "key-revoked"
