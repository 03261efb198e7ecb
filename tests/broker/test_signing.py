"""Signing: what a token says in the clear, what it hides, what is not signed."""

import json
from itertools import combinations, pairwise
from typing import Any

import pytest

from broker import base64url, disclosures, trust
from broker.blinding import BlindMap, org_identity
from broker.concealing import Decoy, Hidden
from broker.errors import TrustError
from broker.signing import (
    Address,
    FeedPosition,
    conceal_object,
    random_uuid,
    sign,
)
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from tests.support.records import (
    CERT,
    DIRECTORY,
    MODIFIED,
    NOW,
    OWN,
    address,
    an_id,
    draft,
    entropy,
    incident,
    new_uuids,
    plain_object,
    sha,
    token,
)

POSITION = FeedPosition(feed="cert-aq/main/k2", seq=7, prev="A" * 43)
YEARS_2_S = 2 * 365 * 24 * 60 * 60


def opened(signed: bytes) -> trust.Verified:
    return trust.verify(signed, DIRECTORY, now=NOW)


def parts_of(signed: bytes) -> tuple[dict[str, Any], dict[str, Any], list[list[Any]]]:
    """Header, payload and disclosures, decoded."""
    jwt, *texts = signed.removesuffix(b"~").split(b"~")
    decoded = [json.loads(base64url.decode(part)) for part in jwt.split(b".")[:2]]
    return decoded[0], decoded[1], [json.loads(base64url.decode(t)) for t in texts]


# -- what stands in the clear


def test_the_header_has_exactly_three_members() -> None:
    header, _, _ = parts_of(token())
    assert header == {
        "alg": "EdDSA",
        "kid": CERT.kid,
        "typ": "vnd.tocsin.record+sd-jwt",
    }
    assert CERT.kid.startswith("cert-aq/")
    assert len(CERT.kid) == len("cert-aq/") + 16


def test_the_payload_has_the_claims_and_nothing_else() -> None:
    _, payload, texts = parts_of(token(exercise=True))
    bundle, digests = payload.pop("stix"), payload.pop("_sd")
    assert bundle.keys() == {"type", "objects"}
    assert bundle["type"] == "bundle"
    assert all(list(each) == ["..."] for each in bundle["objects"])
    assert len(texts) > 2
    assert len(bundle["objects"]) == len(digests) == 8
    assert payload == {
        "iss": "urn:tocsin:org:cert-aq",
        "iat": NOW,
        "exp": NOW + YEARS_2_S,
        "sub": an_id("incident"),
        "ver": MODIFIED,
        "aud": ["urn:tocsin:community:all"],
        "vct": "urn:tocsin:record:1",
        "kind": "incident",
        "tlp": "GREEN",
        "severity": "high",
        "countries": [],
        "sectors": [],
        "languages": [],
        "exercise": True,
        "full": payload["full"],
        "_sd_alg": "sha-256",
    }


def test_nothing_of_an_object_stands_in_the_clear() -> None:
    plain = incident(lang="fr", revoked=True)
    _, payload, _ = parts_of(token(draft(plain, address())))
    text = json.dumps(payload)
    for secret in ("register", "confirmed", "election", "192.0.2.7", "suspected"):
        assert secret not in text


def test_the_claim_full_covers_every_disclosure_whatever_their_order() -> None:
    signed = token()
    jwt, *texts, _ = signed.split(b"~")
    assert parts_of(signed)[1]["full"] == sha(
        "~".join(sorted(map(sha, texts))).encode()
    )
    turned = b"~".join([jwt, *reversed(texts), b""])
    assert opened(signed).complete
    assert opened(turned).complete
    assert not opened(b"~".join([jwt, *texts[:-1], b""])).complete


def test_the_address_travels_in_disclosures() -> None:
    to = Address(
        communities=("urn:tocsin:community:eu",),
        to=("cert-bv",),
        concerns=("platform-lumen", "bank-one"),
    )
    _, payload, texts = parts_of(token(address=to))
    assert payload["aud"] == ["urn:tocsin:community:eu"]
    assert not payload.keys() & {"to", "concerns"}
    assert len(payload["_sd"]) == 8
    named = {parts[1]: parts[2] for parts in texts if len(parts) == 3}
    assert named["to"] == ["urn:tocsin:org:cert-bv"]
    assert named["concerns"] == [
        "urn:tocsin:org:platform-lumen",
        "urn:tocsin:org:bank-one",
    ]


def test_nobody_addressed_looks_like_somebody_addressed() -> None:
    everybody = Address(to=("cert-bv",), concerns=("platform-lumen",))
    payloads = [
        parts_of(token(address=to, position=at))[1]
        for to in (Address(), everybody)
        for at in (None, POSITION)
    ]
    assert [len(payload["_sd"]) for payload in payloads] == [8] * 4
    assert {frozenset(payload) for payload in payloads} == {frozenset(payloads[0])}
    for payload in payloads:
        assert payload["_sd"] == sorted(set(payload["_sd"]))
        assert all(len(each) == 43 for each in payload["_sd"])


@pytest.mark.parametrize(("count", "shown"), [(1, 8), (7, 8), (8, 8), (9, 16)])
def test_the_number_of_objects_is_filled_up(count: int, shown: int) -> None:
    others = [address(id=an_id("url", n), type="url") for n in range(1, count)]
    signed = token(draft(incident(), *others))
    assert len(parts_of(signed)[1]["stix"]["objects"]) == shown
    assert len(opened(signed).objects) == count


def test_decoys_stand_among_the_objects_not_behind_them() -> None:
    def places(seed: int) -> list[int]:
        signed = token(seed=seed)
        known = {sha(text) for text in signed.split(b"~")[1:-1]}
        objects = parts_of(signed)[1]["stix"]["objects"]
        return [i for i, each in enumerate(objects) if each["..."] in known]

    assert len({tuple(places(seed)) for seed in range(6)}) > 2


def test_the_place_in_the_feed_travels_in_disclosures() -> None:
    signed = token(position=POSITION)
    _, payload, _ = parts_of(signed)
    assert not payload.keys() & {"feed", "seq", "prev"}
    claims = opened(signed).claims
    assert (claims.feed, claims.seq, claims.prev) == ("cert-aq/main/k2", 7, "A" * 43)


def test_the_version_that_is_replaced_is_named() -> None:
    assert "sup" not in parts_of(token())[1]
    assert parts_of(token(replaces="B" * 43))[1]["sup"] == "B" * 43


# -- how it is hidden


def test_the_order_of_the_objects_says_nothing() -> None:
    objects = [incident(), *(address(id=an_id("url", n), type="url") for n in range(9))]
    places = {
        next(i for i, o in enumerate(opened(s).plain) if o["type"] == "incident")
        for s in (token(draft(*objects), seed=seed) for seed in range(6))
    }
    assert len(places) > 1


def test_every_salt_is_128_bits_or_a_little_more_and_fresh() -> None:
    salts = [parts[0] for parts in parts_of(token())[2]]
    assert len(set(salts)) == len(salts) == 9
    assert {len(base64url.decode(salt.encode())) for salt in salts} == {16, 17, 18}


def test_every_disclosure_has_the_length_that_many_are_decoded_at_once_with() -> None:
    texts = token(address=Address(to=("cert-bv",))).split(b"~")[1:-1]
    assert {len(text) % 4 for text in texts} == {disclosures.ALIGNMENT}


def test_the_same_entropy_signs_the_same_token_and_another_does_not() -> None:
    assert token(seed=1) == token(seed=1)
    assert token(seed=1) != token(seed=2)


def test_a_random_uuid_takes_16_bytes_of_entropy() -> None:
    assert random_uuid(bytes) == "00000000-0000-4000-8000-000000000000"


def test_a_text_becomes_a_list_of_segments_that_are_disclosures() -> None:
    first, second = "The clinic lost its records. ", "Staff restored the servers."
    out = conceal_object(
        incident(description=first + second), entropy(), primary=True, own=OWN
    )
    # No decoys: a reader sees how much is missing, and where.
    assert out["description"] == Hidden([Hidden([0, 2, first]), Hidden([1, 2, second])])


def test_a_text_of_one_segment_is_not_parted() -> None:
    out = conceal_object(incident(), entropy(), primary=True, own=OWN)
    assert out["description"] == Hidden("It is not confirmed that votes were touched.")
    # Welsh has no words here that would tell what belongs together.
    text = "The clinic lost its records. Staff restored the servers."
    welsh = incident(description=text, lang="cy")
    out = conceal_object(welsh, entropy(), primary=True, own=OWN)
    assert out["description"] == Hidden(text)


def test_each_element_of_a_list_that_is_split_is_a_disclosure() -> None:
    refs = [an_id("url", number) for number in range(3)]
    plain = plain_object("report", object_refs=refs)
    out = conceal_object(plain, entropy(), primary=False, own=OWN)
    parts = out["object_refs"].value
    # One decoy makes it four; the rest keep their order.
    assert [part for part in parts if part != Decoy()] == [*map(Hidden, refs)]
    assert len(parts) == 4
    # Never the markings: they stay with what they mark.
    assert out["object_marking_refs"] == [TLP_IDS[Tlp.GREEN]]


@pytest.mark.parametrize(("count", "shown"), [(2, 4), (3, 4), (4, 4), (5, 8), (9, 12)])
def test_the_number_of_elements_is_filled_up(count: int, shown: int) -> None:
    plain = incident(labels=[f"l{n}" for n in range(count)])
    parts = conceal_object(plain, entropy(), primary=True, own=OWN)["labels"].value
    assert len(parts) == shown
    kept = [part for part in parts if part != Decoy()]
    assert kept == [*map(Hidden, plain["labels"])]


def test_decoys_stand_anywhere_among_the_elements() -> None:
    def places(seed: int) -> tuple[int, ...]:
        out = conceal_object(incident(), entropy(seed), primary=True, own=OWN)
        parts = enumerate(out["labels"].value)
        return tuple(place for place, part in parts if part == Decoy())

    # Of 4 places 2: six ways.
    assert {places(seed) for seed in range(80)} == {*combinations(range(4), 2)}


@pytest.mark.parametrize("labels", [[], ["one"]])
def test_a_list_of_at_most_one_element_is_not_parted(labels: list[str]) -> None:
    out = conceal_object(incident(labels=labels), entropy(), primary=True, own=OWN)
    assert out["labels"] == Hidden(labels)


def test_who_created_an_object_is_visible_only_if_it_is_the_issuer() -> None:
    for creator in (OWN, an_id("identity"), org_identity("platform-lumen")):
        plain = incident(created_by_ref=creator)
        out = conceal_object(plain, entropy(), primary=True, own=OWN)
        shown = OWN if creator == OWN else Hidden(creator)
        assert out["created_by_ref"] == shown


def test_only_the_times_of_the_primary_object_are_visible() -> None:
    assert (
        conceal_object(incident(), entropy(), primary=True, own=OWN)["modified"]
        == MODIFIED
    )
    assert conceal_object(incident(), entropy(), primary=False, own=OWN)[
        "modified"
    ] == Hidden(MODIFIED)


def test_a_known_extension_is_cut_inside_and_an_unknown_one_goes_whole() -> None:
    extensions = {
        INCIDENT_CORE: {
            "determination": "suspected",
            "criticality": 60,
            "event_refs": [an_id("event")],
        },
        "unknown": {"a": 1},
    }
    out = conceal_object(
        incident(extensions=extensions), entropy(), primary=True, own=OWN
    )
    assert out["extensions"] == {
        INCIDENT_CORE: {
            "determination": "suspected",
            "criticality": Hidden(60),
            "event_refs": Hidden([an_id("event")]),
        },
        "unknown": Hidden({"a": 1}),
    }


@pytest.mark.parametrize(
    "extensions",
    [{}, {INCIDENT_CORE: {}}, {INCIDENT_CORE: {}, "u": {}}, {INCIDENT_CORE: "odd"}],
)
def test_an_empty_extension_is_not_lost(extensions: dict[str, Any]) -> None:
    found = opened(token(draft(incident(extensions=extensions))))
    assert found.plain[0]["extensions"] == extensions
    assert found.objects[0].extensions == extensions


def test_ids_are_blinded_before_anything_is_signed() -> None:
    ref = plain_object(
        "relationship",
        relationship_type="targets",
        source_ref=an_id("incident"),
        target_ref=an_id("ipv4-addr", version=5),
        created_by_ref=org_identity("cert-aq"),
    )
    text = " ".join(
        base64url.decode(part).decode(errors="replace")
        for part in token(draft(incident(), address(), ref))
        .replace(b".", b"~")
        .split(b"~")
    )
    assert an_id("ipv4-addr", version=5) not in text
    assert an_id("incident") in text
    assert org_identity("cert-aq") in text


def test_a_primary_object_with_a_telling_id_is_blinded_in_the_claims_too() -> None:
    found = opened(token(draft(incident(id=an_id("incident", version=5)))))
    assert found.claims.sub == found.plain[0]["id"] != an_id("incident", version=5)


def test_no_byte_of_entropy_is_used_twice() -> None:
    blocks: list[bytes] = []
    source = entropy()

    def asked(size: int) -> bytes:
        blocks.append(source(size))
        return blocks[-1]

    many = [address(id=an_id("url", n), type="url") for n in range(40)]
    signed = sign(
        draft(incident(), *many),
        CERT,
        blind_map=BlindMap(new_uuids(), {}),
        now=NOW,
        entropy=asked,
    )
    assert len(blocks) > 1
    stream = b"".join(blocks)
    _, payload, texts = parts_of(signed)
    # Each salt is the end of 18 bytes in base64url, the last bits of which are zero.
    whole = [base64url.decode(b"AA"[: 24 - len(p[0])] + p[0].encode()) for p in texts]
    used = [(stream.find(each[2:17]) - 2, 18) for each in whole]
    random = {sha(stream[at : at + 16]): at for at in range(len(stream))}
    objects = [each["..."] for each in payload["stix"]["objects"]]
    decoys = [random[each] for each in (*payload["_sd"], *objects) if each in random]
    assert len(decoys) == 8 + 48 - 41
    used = sorted([*used, *((at, 16) for at in decoys)])
    assert used[0][0] >= 0
    assert all(at + size <= after for (at, size), (after, _) in pairwise(used))


# -- what is not signed


def test_what_is_too_deep_for_a_token_is_not_signed() -> None:
    def deep(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return incident(x_deep=value)

    # Claims, bundle, objects and the object itself are four.
    assert opened(token(draft(deep(28))))
    with pytest.raises(TrustError) as caught:
        token(draft(deep(29)))
    assert caught.value.reason == "too-deep"


def test_more_parts_than_anybody_takes_are_not_signed() -> None:
    with pytest.raises(TrustError) as caught:
        token(draft(incident(labels=["x"] * 65_536)))
    assert caught.value.reason == "too-many-disclosures"
