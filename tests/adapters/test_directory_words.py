"""adapters.directory_words: a change of the directory in sentences, none left out."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from adapters.directory_words import keyring_sentences, sentences
from broker import suspensions
from broker.directory import (
    KeyEntry,
    Member,
    SealingEntry,
    Service,
    decode_member,
)
from broker.errors import ConfigError
from broker.seal_keys import SealingJwk
from broker.suspensions import Suspension
from tests.support import issuing, records
from tests.support.directories import NOW, keyring, signer
from tests.support.policy_files import head, row, written

ORG = "cert-aq"
KID = records.CERT.kid


def encoded(entry: Member | Service | None) -> dict[str, bytes]:
    if entry is None:
        return {}
    folder = "members" if isinstance(entry, Member) else "services"
    return {f"{folder}/{entry.org}.json": msgspec.json.encode(entry)}


def said(old: Member | Service | None, new: Member | Service | None) -> list[str]:
    """The sentences, each with its mark in front."""
    found = sentences(encoded(old), encoded(new), now=NOW)
    return [f"{each.mark}: {each.text}" for each in found]


def key(**changes: Any) -> KeyEntry:
    return records.key_entry(**changes)


def member(**changes: Any) -> Member:
    return records.member(**changes)


def sealing(
    x: str = "4PtTyhHJR5QHTXZNMJO9GWlGbgF6VZzuqp9CGmKWYh0", **more: str
) -> SealingEntry:
    jwk = SealingJwk(kty="OKP", crv="X25519", x=x)
    fields = {"not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"}
    return SealingEntry(jwk=jwk, **(fields | more))


# --------------------------------------------------------------- who comes and goes


def test_a_new_organisation_is_told_with_all_it_may():
    new = member(
        clearance="AMBER", kinds=("incident",), contacts=("+99 1",), languages=("en",)
    )
    assert said(None, new) == [
        "more: adds organisation cert-aq (Cert Aq, XA) as peer-cert with clearance AMBER, "
        "in urn:tocsin:community:all; may publish incident; languages "
        '["en"]; contacts ["+99 1"]',
        f"more: adds signing key {KID}, valid 2026-01-01 to 2027-01-01",
    ]


def test_an_organisation_that_only_receives_is_said_to_publish_nothing():
    [first, *_] = said(None, member(kinds=()))
    assert "publishes nothing" in first


def test_a_new_service_is_told_with_what_it_signs():
    assert said(None, issuing.service())[0] == (
        "more: adds service of the hub hub (Hub), which signs as gate and adapter"
    )


def test_who_goes_is_told_with_what_that_means():
    assert said(member(), None) == [
        "less: removes organisation cert-aq (Cert Aq): what it signs counts no more, and "
        "it receives nothing"
    ]
    assert said(issuing.service(), None) == [
        "less: removes service of the hub hub (Hub): what it signs counts no more"
    ]


# ------------------------------------------------------------------ what it may


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({}, {"clearance": "RED"}, "more: cert-aq: widens clearance AMBER -> RED"),
        ({}, {"clearance": "GREEN"}, "less: cert-aq: narrows clearance AMBER -> GREEN"),
        ({}, {"clearance": "AMBER"}, "other: cert-aq: clearance AMBER as before, said otherwise"),
        ({"kinds": ("incident",)}, {"kinds": ("incident", "campaign")}, "more: cert-aq: may publish + campaign"),
        ({"kinds": ("incident", "campaign")}, {"kinds": ("incident",)}, "less: cert-aq: may publish - campaign"),
        ({"kinds": ("incident", "campaign")}, {"kinds": ("campaign", "incident")}, "other: cert-aq: may publish in another order"),
        ({}, {"communities": ("urn:tocsin:community:x",)}, "more: cert-aq: communities + urn:tocsin:community:x"),
        ({}, {"languages": ("en",)}, "other: cert-aq: languages + en"),
        ({"languages": ("en",)}, {}, "other: cert-aq: languages - en"),
        ({}, {"country": "XB"}, "other: cert-aq: country XA -> XB"),
        ({}, {"jurisdiction": "EU"}, "other: cert-aq: jurisdiction (nothing) -> EU"),
        ({}, {"receipts": "named"}, "other: cert-aq: receipts audience -> named"),
        ({}, {"exercise": True}, "less: cert-aq: only exercises from now on"),
        ({"exercise": True}, {}, "more: cert-aq: its exercises are over, records count"),
    ],
)  # fmt: skip
def test_what_an_organisation_may_is_told_as_what_it_is(old, new, sentence):
    assert sentence in said(member(**old), member(**new))


def test_another_audience_is_told_with_the_clearance_that_follows():
    assert said(member(audience="platform"), member()) == [
        "more: cert-aq: widens audience platform -> peer-cert",
        "more: cert-aq: widens clearance GREEN -> AMBER",
    ]
    assert said(
        member(clearance="AMBER"), member(clearance="AMBER", audience="platform")
    ) == ["less: cert-aq: narrows audience peer-cert -> platform"]


def test_what_a_service_signs_is_told():
    old, new = issuing.service(services=("gate",)), issuing.service()
    assert said(old, new) == ["more: hub: services + adapter"]


OTHERWISE = {
    "name": "Another", "country": "XB", "audience": "platform", "clearance": "RED",
    "languages": ("en",), "communities": ("urn:tocsin:community:x",), "jurisdiction": "EU",
    "kinds": ("incident",), "keys": (key(not_after="2028-01-01T00:00:00Z"),),
    "contacts": ("+99 1",), "receipts": "named", "exercise": True,
    "sealing": (sealing(),),
    "suspended": {"since": "2026-12-01T00:00:00Z", "reason": "stolen laptop"},
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in Member.__struct_fields__ if n != "org"])
def test_no_field_changes_without_a_sentence(name):
    plain = msgspec.to_builtins(member())
    other = plain | {name: msgspec.to_builtins(OTHERWISE[name])}
    new = decode_member(msgspec.json.encode(other), "x")
    assert said(member(), new) not in (
        [],
        ["other: spells the entry of cert-aq differently"],
    )


def test_an_entry_that_is_only_spelled_differently_is_told_too():
    path = "members/cert-aq.json"
    data = msgspec.json.encode(member())
    found = sentences({path: data}, {path: data + b" "}, now=NOW)
    assert [each.text for each in found] == ["spells the entry of cert-aq differently"]


def test_what_gives_more_comes_first():
    found = said(member(clearance="AMBER"), member(clearance="RED", kinds=()))
    assert [each.split(":")[0] for each in found] == ["more", "less"]


# ------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({}, {"not_after": "2028-01-01T00:00:00Z"}, "more: lengthens the validity of signing key {}: not after 2027-01-01 -> 2028-01-01"),
        ({}, {"not_after": "2026-12-31T00:00:00Z"}, "less: shortens the validity of signing key {}: not after 2027-01-01 -> 2026-12-31"),
        ({}, {"not_before": "2025-01-01T00:00:00Z"}, "more: lengthens the validity of signing key {}: not before 2026-01-01 -> 2025-01-01"),
        ({}, {"revoked_at": "2026-12-01T00:00:00Z", "revocation_reason": "compromised"}, "less: revokes signing key {} from 2026-12-01T00:00:00Z: compromised"),
        ({"revoked_at": "2026-12-01T00:00:00Z"}, {"revoked_at": "2026-12-02T00:00:00Z"}, "more: revokes signing key {} from 2026-12-02T00:00:00Z: (nothing)"),
        ({"revoked_at": "2026-12-02T00:00:00Z"}, {"revoked_at": "2026-12-01T00:00:00Z"}, "less: revokes signing key {} from 2026-12-01T00:00:00Z: (nothing)"),
        ({"revoked_at": "2026-12-02T00:00:00Z"}, {"revoked_at": "2026-12-02T00:00:00Z", "revocation_reason": "retired"}, "other: revokes signing key {} from 2026-12-02T00:00:00Z: retired"),
        ({"revoked_at": "2026-12-01T00:00:00Z"}, {}, "more: takes back the revocation of signing key {}"),
    ],
)  # fmt: skip
def test_a_key_that_changes_is_told_as_what_it_is(old, new, sentence):
    found = said(member(keys=(key(**old),)), member(keys=(key(**new),)))
    assert found == [sentence.format(KID)]


def test_a_key_spelled_with_its_name_is_told():
    plain = msgspec.structs.replace(records.CERT.jwk, kid=UNSET)
    [found] = said(member(keys=(key(jwk=plain),)), member())
    assert found.startswith(f"other: signing key {KID}: jwk ")


def test_a_key_that_goes_is_told_with_what_that_means():
    other = records.key_entry(records.signer("cert-aq-2"))
    other = msgspec.structs.replace(
        other, jwk=msgspec.structs.replace(other.jwk, kid=UNSET)
    )
    added, removed = said(member(), member(keys=(other,)))
    assert added.startswith("more: adds signing key cert-aq/")
    assert removed.startswith(f"less: removes signing key {KID}: whatever it signed")


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        ("2026-12-20T12:00:00Z", "expires in 19 days"),
        ("2026-11-01T00:00:00Z", "has expired already"),
    ],
)
def test_a_new_key_that_is_about_to_end_is_named_as_that(until, sentence):
    assert f"other: signing key {KID} {sentence}" in said(
        None, member(keys=(key(not_after=until),))
    )


def test_a_new_key_that_is_revoked_already_is_named_as_that():
    new = member(
        keys=(key(revoked_at="2026-12-01T00:00:00Z", revocation_reason="retired"),)
    )
    assert any("revokes signing key" in each for each in said(None, new))


def test_sealing_keys_are_told_by_name_not_by_value():
    added = said(member(), member(sealing=(sealing(),)))
    removed = said(member(sealing=(sealing(),)), member())
    assert added[0].startswith("more: adds sealing key cert-aq/")
    assert removed[0].endswith(": nobody seals to it any more")
    assert "4PtTyh" not in str(added + removed)


# ----------------------------------------------------------------- suspensions


def held(*entries: Suspension) -> dict[str, bytes]:
    return {"suspensions/hub.json": suspensions.encode(entries)}


ENTRY = Suspension(org=ORG, reason="stolen laptop", since="2026-12-01T00:00:00Z")


def test_a_suspension_says_by_whom_of_whom_and_until_when():
    of_key = msgspec.structs.replace(ENTRY, kid=KID)
    found = sentences(held(), held(ENTRY, of_key), now=NOW)
    assert [each.text for each in found] == [
        "hub suspends organisation cert-aq from 2026-12-01T00:00:00Z, at the longest to "
        "2026-12-08T00:00:00Z: stolen laptop",
        f"hub suspends signing key {KID} from 2026-12-01T00:00:00Z, at the longest to "
        "2026-12-08T00:00:00Z: stolen laptop",
    ]


def test_what_is_lifted_is_told():
    [found] = sentences(held(ENTRY), held(), now=NOW)
    assert (found.mark, found.text) == ("more", "hub lifts its suspension of cert-aq")


def test_what_stays_suspended_is_not_told_again():
    other = msgspec.structs.replace(ENTRY, org="cert-bx")
    [found] = sentences(held(ENTRY), held(ENTRY, other), now=NOW)
    assert "cert-bx" in found.text


def test_a_party_that_suspends_nobody_is_told_of_among_the_keys_alone():
    assert sentences({}, held(), now=NOW) == []


def test_a_suspension_that_the_groups_confirm_has_no_end():
    plain = msgspec.to_builtins(member())
    confirmed = plain | {"suspended": OTHERWISE["suspended"]}
    new = decode_member(msgspec.json.encode(confirmed), "x")
    assert said(member(), new)[0].startswith(
        "less: suspends cert-aq from 2026-12-01T00:00:00Z until this is undone: stolen"
    )
    assert said(new, member()) == ["more: ends the suspension of cert-aq"]


# -------------------------------------------------------------------- policies


def policy(data: bytes) -> dict[str, bytes]:
    return {"policies/p.toml": data}


def test_what_a_policy_reveals_is_told_by_property_and_audience():
    narrow = policy(written(row(platform="keep")))
    wide = policy(written(row(platform="keep", civil="keep")))
    [found] = sentences(narrow, wide, now=NOW)
    assert found.mark == "more"
    assert found.text.startswith("policy p reveals more to civil-society: ")
    assert "name of identity" in found.text
    [found] = sentences(wide, narrow, now=NOW)
    assert found.mark == "less"
    assert found.text.startswith("policy p withholds more from civil-society: ")


def test_what_else_changes_in_a_policy_is_told_for_whom():
    old = policy(written(row(), start=head(review_days=5)))
    new = policy(written(row(), start=head(review_days=6)))
    [found] = sentences(old, new, now=NOW)
    assert found.text == (
        "policy p changes for all: persons have 6 days to agree, not 5"
    )


def test_a_policy_that_means_the_same_is_told_as_that():
    text = written(row())
    [found] = sentences(policy(text), policy(b"# a comment\n" + text), now=NOW)
    assert "means the same" in found.text


def test_a_policy_that_comes_or_goes_is_told():
    new = policy(written(row()))
    assert "adds policy p/3/" in sentences({}, new, now=NOW)[0].text
    assert sentences(new, {}, now=NOW)[0].text == "removes policy p"


def test_a_policy_that_no_adapter_could_load_is_refused():
    with pytest.raises(ConfigError):
        sentences({}, policy(b"x = 1"), now=NOW)
    with pytest.raises(ConfigError, match="holds the policy p"):
        sentences({}, {"policies/other.toml": written(row())}, now=NOW)


# ----------------------------------------------------------------- who signs


def test_a_new_directory_says_so_and_names_all_keys():
    found = [each.text for each in keyring_sentences(None, keyring())]
    assert found[0].startswith("founds a NEW directory, in which 2 of 3 groups decide")
    assert len(found) == 1 + 3 + 1 + 4


def test_nothing_is_said_of_keys_that_stay():
    assert keyring_sentences(keyring(), keyring()) == []


def test_keys_and_groups_that_change_are_told():
    other = signer("another").jwk
    groups = {k: v for k, v in keyring().groups.items() if k != "industry"}
    new = keyring(groups={**groups, "research": other}, threshold=3, suspending={})
    found = [f"{s.mark}: {s.text}" for s in keyring_sentences(keyring(), new)]
    assert found[0] == "other: takes 3 groups, not 2, to decide"
    assert "less: removes group industry, which decides no more" in found
    assert any(
        each.startswith("more: adds group research, which decides, by key ")
        for each in found
    )
    assert "less: lets hub suspend no more" in found
    back = [f"{s.mark}: {s.text}" for s in keyring_sentences(new, keyring())]
    assert back[0] == "more: takes 2 groups, not 3, to decide"
    [online] = keyring_sentences(keyring(), keyring(online=other))
    assert online.text.startswith(
        "replaces the key by which the hub says what is newest: "
    )
