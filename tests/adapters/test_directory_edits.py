"""adapters.directory_edits: single changes of the directory's files."""

import msgspec
import pytest

from adapters.directory_edits import Edits, confirmed, revoked
from broker import suspensions
from broker.directory import decode_member, decode_service
from broker.errors import ConfigError
from broker.suspensions import Suspension
from tests.support import issuing, records
from tests.support.policy_files import row, written

MEMBER = "members/cert-aq.json"
HUB = "services/hub.json"
ENTRIES = tuple(
    Suspension(org="cert-aq", reason=reason, since=since)
    for reason, since in (
        ("seen by the hub", "2026-12-02T00:00:00Z"),
        ("seen by industry", "2026-12-01T00:00:00Z"),
    )
)
BEFORE = {
    MEMBER: msgspec.json.encode(records.member()),
    HUB: msgspec.json.encode(issuing.service()),
    "suspensions/hub.json": suspensions.encode(ENTRIES[:1]),
    "suspensions/industry.json": suspensions.encode(ENTRIES[1:]),
}
NEWS = msgspec.json.encode(records.member(records.signer("newsroom-dx"))).decode()
POLICY = written(row()).decode()
KID = records.CERT.kid


@pytest.fixture
def edits():
    return Edits(BEFORE)


def test_nothing_changes_before_an_edit(edits):
    assert (edits.changed, edits.removed) == ({}, ())


def test_entries_are_told_apart_by_what_they_hold(edits):
    edits.add_entry(NEWS, "x")
    other = msgspec.json.encode(issuing.service("hub-2")).decode()
    edits.add_entry(other, "y")
    assert edits.changed == {
        "members/newsroom-dx.json": NEWS,
        "services/hub-2.json": other,
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services":[]}'])
def test_what_is_no_entry_is_refused(edits, text):
    with pytest.raises(ConfigError, match=r"^news\.json"):
        edits.add_entry(text, "news.json")


def test_who_asks_to_join_becomes_a_member_once(edits):
    news = records.member(records.signer("newsroom-dx"))
    edits.add_member(news)
    assert (
        decode_member(edits.changed["members/newsroom-dx.json"].encode(), "x") == news
    )
    with pytest.raises(ConfigError, match="a member already"):
        edits.add_member(news)


def test_a_policy_stands_under_its_name(edits):
    edits.add_policy(POLICY, "x.toml")
    assert edits.changed == {"policies/p.toml": POLICY}
    with pytest.raises(ConfigError, match=r"x\.toml"):
        edits.add_policy("x = 1", "x.toml")


def test_whoever_is_removed_is_there_no_more(edits):
    edits.remove("cert-aq")
    edits.remove("hub")
    assert {*edits.removed} == {MEMBER, HUB}
    with pytest.raises(ConfigError, match="no organisation cert-aq"):
        edits.remove("cert-aq")


def test_a_folder_stands_for_all_there_is_to_be(edits):
    edits.become(
        {
            "members/newsroom-dx.json": NEWS,
            HUB: BEFORE[HUB].decode(),
            "policies/p.toml": POLICY,
        }
    )
    assert {*edits.changed} == {"members/newsroom-dx.json", "policies/p.toml"}
    assert edits.removed == (MEMBER,)


@pytest.mark.parametrize("path", [MEMBER, HUB, "policies/p.toml"])
def test_a_folder_with_what_no_client_could_load_is_refused(edits, path):
    with pytest.raises(ConfigError, match=path):
        edits.become({path: "{}"})


def test_a_key_is_revoked_with_moment_and_reason(edits):
    revoked(edits, KID, reason="compromised", at="2026-12-01T00:00:00Z")
    [key] = decode_member(edits.changed[MEMBER].encode(), "x").keys
    assert (key.revoked_at, key.revocation_reason) == (
        "2026-12-01T00:00:00Z",
        "compromised",
    )
    kid = issuing.service().keys[0].jwk.kid
    revoked(edits, kid, reason="retired", at="2026-12-01T00:00:00Z")
    [key] = decode_service(edits.changed[HUB].encode(), "x").keys
    assert key.revocation_reason == "retired"


@pytest.mark.parametrize(
    ("kid", "reason", "at", "fault"),
    [
        (KID, None, "2026-12-01T00:00:00Z", "say why"),
        (KID, "retired", "today", "moment"),
        ("cert-aq/other", "retired", "2026-12-01T00:00:00Z", f"it has {KID}"),
        ("nobody/x", "retired", "2026-12-01T00:00:00Z", "no organisation nobody"),
    ],
)
def test_what_cannot_be_revoked_is_told(edits, kid, reason, at, fault):
    with pytest.raises(ConfigError, match=fault):
        revoked(edits, kid, reason=reason, at=at)


def test_a_suspension_is_confirmed_from_when_it_first_began(edits):
    confirmed(edits, "cert-aq")
    found = decode_member(edits.changed[MEMBER].encode(), "x").suspended
    assert (found.since, found.reason) == ("2026-12-01T00:00:00Z", "seen by industry")


def test_what_nobody_suspends_is_not_confirmed(edits):
    with pytest.raises(ConfigError, match="no party suspends"):
        confirmed(edits, "hub")
