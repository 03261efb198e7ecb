"""The directory: members and services, their keys, and what is no entry of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker.directory import (
    DEFAULT_CLEARANCE,
    Directory,
    KeyEntry,
    Member,
    Service,
    build,
    decode_member,
    decode_service,
    single_key,
)
from broker.directory_plain import load_folder
from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, key_id
from schemas.markings import Tlp
from tests.support.records import (
    CERT,
    PLATFORM,
    directory,
    key_entry,
    member,
    signer,
)

CANARY = "mallory"
HUB = signer("hub")


def service(**changes: Any) -> Service:
    fields = {
        "org": "hub",
        "name": "Tocsin Hub",
        "services": ("gate", "adapter"),
        "keys": (key_entry(HUB),),
    }
    return Service(**(fields | changes))


def entry(**changes: Any) -> dict[str, Any]:
    """A member file, as JSON."""
    return {
        "org": "cert-aq",
        "name": "CERT of Aquenia",
        "country": "XA",
        "audience": "peer-cert",
        "kinds": ["incident"],
        "keys": [
            {
                "jwk": {"kty": "OKP", "crv": "Ed25519", "x": CERT.jwk.x},
                "not_before": "2026-01-01T00:00:00Z",
                "not_after": "2027-01-01T00:00:00Z",
            }
        ],
    } | changes


def decode(value: Any) -> Member:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return decode_member(text, "cert-aq.json")


# -- looking up


def test_a_key_is_found_by_its_name_with_its_owner() -> None:
    known = directory().key(PLATFORM.kid)
    assert (known.kid, known.org) == (PLATFORM.kid, "platform-lumen")
    assert known.revoked_at is None
    assert known.not_before < known.not_after


def test_an_unknown_key_is_refused() -> None:
    for kid in ("", "cert-aq", "cert-aq/", CERT.kid + "A", CERT.kid.upper()):
        with pytest.raises(TrustError) as caught:
            directory().key(kid)
        assert caught.value.reason == "unknown-key"


def test_a_revoked_key_says_since_when() -> None:
    revoked = key_entry(revoked_at="1970-01-01T00:01:40Z", revocation_reason="retired")
    assert directory(keys=(revoked,)).key(CERT.kid).revoked_at == 100


def test_a_revocation_without_a_reason_is_the_strictest() -> None:
    revoked = key_entry(revoked_at="1970-01-01T00:01:40Z")
    known = directory(keys=(revoked,)).key(CERT.kid)
    assert (known.is_compromised(99), known.is_compromised(100)) == (False, True)
    retired = key_entry(revoked_at="1970-01-01T00:01:40Z", revocation_reason="retired")
    assert not directory(keys=(retired,)).key(CERT.kid).is_compromised(100)


def test_a_reason_is_of_a_closed_list_and_never_alone() -> None:
    with pytest.raises(ConfigError, match="not usable"):
        directory(keys=(key_entry(revocation_reason="retired"),))
    file = entry()
    for reason, fits in (("retired", True), ("lost", False), ("", False)):
        [key] = file["keys"]
        key |= {"revoked_at": "2026-02-01T00:00:00Z", "revocation_reason": reason}
        if fits:
            assert decode(file).keys[0].revocation_reason == reason
        else:
            with pytest.raises(ConfigError, match="revocation_reason"):
                decode(file)


def test_a_single_key_is_always_valid_and_belongs_to_no_member() -> None:
    trusted = single_key("cert-aq", CERT.jwk)
    known = trusted.key(CERT.kid)
    assert (known.not_before, known.not_after) == (0, float("inf"))
    assert trusted.members == {}


def test_the_snapshot_does_not_change() -> None:
    known = directory()  # what stands in its mappings, the types keep
    with pytest.raises(AttributeError):
        known.members = {}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("audience", "tlp"),
    [
        ("peer-cert", Tlp.AMBER),
        ("platform", Tlp.GREEN),
        ("civil-society", Tlp.GREEN),
        ("research", Tlp.GREEN),
        ("public", Tlp.CLEAR),
    ],
)
def test_the_clearance_follows_from_the_audience(audience: Any, tlp: Tlp) -> None:
    assert member(audience=audience).highest_tlp == tlp
    assert Tlp.parse(DEFAULT_CLEARANCE[audience]) == tlp


def test_a_clearance_that_is_given_counts() -> None:
    for label in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"):
        assert member(clearance=label).highest_tlp.label == label


# -- building


def refused(*members: Member, services: Sequence[Service] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        build(members, services)
    return str(caught.value)


def test_a_member_that_stands_twice_is_refused() -> None:
    assert "cert-aq stands in the directory twice" in refused(member(), member(keys=()))


def test_a_key_with_two_owners_is_refused() -> None:
    # Else who signed would depend on the name that the token gives the key.
    thief = member(
        PLATFORM,
        keys=(
            key_entry(CERT, jwk=msgspec.structs.replace(CERT.jwk, kid=msgspec.UNSET)),
        ),
    )
    assert key_id("platform-lumen", CERT.jwk) in refused(member(), thief)


def test_a_key_that_stands_twice_is_refused() -> None:
    later = key_entry(not_after="2030-01-01T00:00:00Z")
    assert CERT.kid in refused(member(keys=(key_entry(), later)))


def test_a_key_under_the_name_of_another_is_refused() -> None:
    borrowed = msgspec.structs.replace(CERT.jwk, kid=PLATFORM.kid)
    assert CERT.kid in refused(member(keys=(key_entry(jwk=borrowed),)))


@pytest.mark.parametrize("name", ["not_before", "not_after", "revoked_at"])
@pytest.mark.parametrize(
    "moment", ["", "2026", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+01:00"]
)
def test_a_time_that_is_none_is_refused(name: str, moment: str) -> None:
    assert "not usable" in refused(member(keys=(key_entry(**{name: moment}),)))


def test_a_key_that_is_none_is_refused() -> None:
    weak = Jwk(kty="OKP", crv="Ed25519", x="A" * 43)
    assert "not usable" in refused(member(keys=(key_entry(jwk=weak),)))


def test_a_member_may_have_several_keys_and_none() -> None:
    both = (
        key_entry(CERT),
        key_entry(
            PLATFORM, jwk=msgspec.structs.replace(PLATFORM.jwk, kid=msgspec.UNSET)
        ),
    )
    assert len(build([member(keys=both)]).keys) == 2
    assert build([member(keys=())]).keys == {}
    assert build([]) == Directory({}, {}, {})


# -- services


def test_a_key_of_a_service_is_found_by_its_name_and_what_it_signs() -> None:
    known = build([member()], [service(services=("gate",))])
    assert known.service_key(HUB.kid, "gate").org == "hub"
    assert known.runs("gate")
    assert not known.runs("adapter")
    with pytest.raises(TrustError, match="unknown-key"):
        known.service_key(HUB.kid, "adapter")


def test_no_key_serves_as_member_and_service_at_once() -> None:
    known = build([member()], [service()])
    with pytest.raises(TrustError, match="unknown-key"):
        known.key(HUB.kid)
    with pytest.raises(TrustError, match="unknown-key"):
        known.service_key(CERT.kid, "gate")
    assert set(known.keys) == {CERT.kid}
    assert set(known.services) == {HUB.kid}


def test_a_directory_without_services_runs_none() -> None:
    assert not directory().runs("gate")
    assert not single_key("cert-aq", CERT.jwk).runs("gate")


def test_the_same_key_as_member_and_as_service_is_refused() -> None:
    jwk = msgspec.structs.replace(CERT.jwk, kid=msgspec.UNSET)
    shared = service(keys=(key_entry(jwk=jwk),))
    assert key_id("hub", CERT.jwk) in refused(member(), services=[shared])
    twice = [service(), service(org="other", keys=(key_entry(HUB, jwk=jwk),))]
    assert "twice" in refused(member(), services=twice)


def test_an_organisation_is_not_member_and_service_at_once() -> None:
    both = service(org="cert-aq", keys=())
    assert "cert-aq stands in the directory twice" in refused(member(), services=[both])
    assert "hub stands in the directory twice" in refused(
        services=[service(), service(keys=())]
    )


def test_a_key_of_a_service_that_is_none_is_refused() -> None:
    weak = Jwk(kty="OKP", crv="Ed25519", x="A" * 43)
    broken = service(keys=(key_entry(jwk=weak),))
    assert "not usable" in refused(services=[broken])
    late = service(keys=(key_entry(HUB, not_after="2026"),))
    assert "not usable" in refused(services=[late])


def service_entry(**changes: Any) -> dict[str, Any]:
    """A file of a service, as JSON."""
    return {
        "org": "hub",
        "name": "Tocsin Hub",
        "services": ["gate", "adapter"],
        "keys": [
            entry()["keys"][0]
            | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": HUB.jwk.x}}
        ],
    } | changes


def test_a_file_of_a_service_is_read() -> None:
    found = decode_service(json.dumps(service_entry()).encode(), "hub.json")
    assert (found.org, found.services) == ("hub", ("gate", "adapter"))
    assert build([], [found]).runs("gate")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"org": "hub"},
        service_entry(mallory=1),
        service_entry(kinds=["incident"]),
        service_entry(services=[]),
        service_entry(services=["gate", "mallory"]),
        service_entry(services="gate"),
        service_entry(keys=[]),
        service_entry(keys=[{"jwk": {"d": CANARY}}]),
        service_entry(org="Hub"),
        service_entry(name=""),
        entry(),
    ],
)
def test_what_is_no_file_of_a_service_is_refused_and_not_quoted(value: Any) -> None:
    with pytest.raises(ConfigError, match="not a service entry") as caught:
        decode_service(json.dumps(value).encode(), "hub.json")
    assert CANARY not in str(caught.value)


def test_a_file_of_a_service_that_is_no_strict_json_is_refused() -> None:
    with pytest.raises(ConfigError, match="duplicate-key"):
        decode_service(b'{"org":"hub","org":"hub"}', "hub.json")


def test_a_file_of_a_service_is_no_member() -> None:
    with pytest.raises(ConfigError, match="not a member entry"):
        decode(service_entry())


# -- decoding


def test_a_member_file_is_read() -> None:
    found = decode(entry(communities=["urn:tocsin:community:eu"]))
    assert (found.org, found.kinds) == ("cert-aq", ("incident",))
    assert found.communities == ("urn:tocsin:community:eu",)
    assert isinstance(found.keys[0], KeyEntry)
    assert found.receipts == "audience"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="a list"),
        pytest.param(b"no JSON", id="no JSON"),
        pytest.param(b'{"org":"a","org":"b"}', id="a repeated key"),
        pytest.param(b'{"org":"\xff"}', id="no UTF-8"),
        pytest.param(b"[" * 40 + b"]" * 40, id="too deep"),
        pytest.param(b'"' + b"a" * 300_000 + b'"', id="too large"),
        pytest.param({"org": "cert-aq"}, id="properties missing"),
        pytest.param(entry(mallory=1), id="an unknown property"),
        pytest.param(entry(org="Cert"), id="upper case"),
        pytest.param(entry(org="c"), id="a name of one letter"),
        pytest.param(entry(org="c" * 42), id="a name of 42 letters"),
        pytest.param(entry(org="-cert"), id="a leading hyphen"),
        pytest.param(entry(org="cert.aq"), id="a full stop, which parts routing keys"),
        pytest.param(entry(org="cert-aq\n"), id="a line feed after the name"),
        pytest.param(entry(org="cert-\u00e9"), id="a letter beyond ASCII"),
        pytest.param(entry(country="xa"), id="a country in lower case"),
        pytest.param(entry(country="XA\n"), id="a line feed after the country"),
        pytest.param(entry(name=""), id="an empty name"),
        pytest.param(entry(name="n" * 201), id="a long name"),
        pytest.param(entry(audience="mallory"), id="an unknown audience"),
        pytest.param(entry(clearance="mallory"), id="an unknown clearance"),
        pytest.param(entry(kinds=["mallory"]), id="an unknown kind"),
        pytest.param(entry(communities=["mallory"]), id="a community that is no URN"),
        pytest.param(entry(receipts="mallory"), id="unknown receipts"),
        pytest.param(entry(keys=[{"jwk": {"d": CANARY}}]), id="a private key"),
        pytest.param(
            entry(keys=[entry()["keys"][0] | {"mallory": 1}]), id="an unknown part"
        ),
    ],
)
def test_what_is_no_member_file_is_refused_and_not_quoted(value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        decode(value)
    assert "cert-aq.json" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_refusal_says_where() -> None:
    with pytest.raises(ConfigError, match=r"keys\[0\].jwk"):
        decode(entry(keys=[entry()["keys"][0] | {"jwk": {"kty": 1}}]))


# -- loading from a folder


def folder_with(path: Path, *entries: dict[str, Any], of: str = "members") -> Path:
    (path / of).mkdir()
    for each in entries:
        (path / of / f"{each['org']}.json").write_text(json.dumps(each))
    return path


def test_every_file_of_a_service_is_loaded_too(tmp_path: Path) -> None:
    folder_with(folder_with(tmp_path, entry()), service_entry(), of="services")
    found = load_folder(tmp_path)
    assert set(found.services) == {HUB.kid}
    assert set(found.members) == {"cert-aq"}


def test_a_folder_without_services_has_none(tmp_path: Path) -> None:
    assert load_folder(folder_with(tmp_path, entry())).services == {}


def test_a_service_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    folder_with(folder_with(tmp_path, entry()), service_entry(), of="services")
    (tmp_path / "services" / "hub.json").rename(tmp_path / "services" / "gate.json")
    with pytest.raises(ConfigError, match=r"gate.json holds the entry of hub"):
        load_folder(tmp_path)


def test_every_member_file_of_a_folder_is_loaded(tmp_path: Path) -> None:
    other = entry(org="platform-lumen", audience="platform", keys=[])
    folder = folder_with(tmp_path, entry(), other)
    (folder / "members" / "README").write_text("not a member")
    found = load_folder(folder)
    assert set(found.members) == {"cert-aq", "platform-lumen"}
    assert set(found.keys) == {CERT.kid}


def test_a_folder_without_members_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none", folder_with(tmp_path)):
        with pytest.raises(ConfigError, match="no member files"):
            load_folder(folder)


def test_an_entry_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, entry())
    (folder / "members" / "cert-aq.json").rename(folder / "members" / "cert-bv.json")
    with pytest.raises(ConfigError, match=r"cert-bv.json holds the entry of cert-aq"):
        load_folder(folder)


def test_a_member_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "members" / "cert-aq.json").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot read"):
        load_folder(tmp_path)


def test_policies_of_a_folder_are_nobodys_but_its_writers(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, entry())
    assert load_folder(folder).policies == {}
    (folder / "policies").mkdir()
    (folder / "policies" / "ours.toml").write_bytes(b"version = 1")
    found = load_folder(folder)
    assert (found.policies, found.is_signed) == ({"ours": b"version = 1"}, False)


def test_policies_of_a_folder_are_bounded_as_others(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, entry())
    (folder / "policies").mkdir()
    for number in range(17):
        (folder / "policies" / f"p{number}.toml").write_bytes(b"#" * (1 << 20))
    with pytest.raises(ConfigError, match="at most 16 policies"):
        load_folder(folder)
    (folder / "policies" / "p16.toml").unlink()
    (folder / "policies" / "p1.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigError, match=r"p1\.toml has more than 1,048,576 bytes"):
        load_folder(folder)
