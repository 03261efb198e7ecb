"""Attacks on the directory as timelines: what each thief, mirror or group cannot do.

docs/threat-model.md, "Trust", links here row by row. What an attack can do is tested,
too: the page must not promise more.
"""

import json
import shutil

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from tuf.api.metadata import MetaFile, Targets

from broker import trust
from broker.directory import KeyEntry, Suspended
from broker.directory_alarms import alarms
from broker.directory_tuf import BOUNDS
from broker.errors import ConfigError, TrustError
from schemas import timestamps
from tests.support.issuing import Feed, draft, key_entry, member, signer
from tests.support.tuf_client import START, Hub
from tests.support.tuf_groups import signer as group_signer

DAY = 86_400.0


@pytest.fixture
def hub(tmp_path):
    with Hub(tmp_path).clock() as made:
        yield made


def refused(client) -> str:
    with pytest.raises(TrustError) as caught:
        client.refresh()
    return caught.value.reason


def members(client) -> list[str]:
    return sorted(client.refresh().directory.members)


def admit_stranger(hub: Hub, signers) -> None:
    hub.put(member("stranger"))
    hub.groups.publish(signers)


def copy_of(hub: Hub, name: str):
    """What a mirror keeps of today."""
    return shutil.copytree(hub.groups.folder, hub.folder / name)


def serve(hub: Hub, copy) -> None:
    """Let clients get *copy* from now on."""
    hub.groups.folder.rename(hub.folder / "hidden")
    shutil.copytree(copy, hub.groups.folder)


# ------------------------------------------------------------------- the groups


@pytest.mark.parametrize(
    "signers",
    [(), ("government",), ("government", "government"), ("government", "hub"), ("hub", "online")],
    ids=lambda names: "+".join(names) or "nobody",
)  # fmt: skip
def test_fewer_than_two_groups_admit_nobody(hub, signers):
    client = hub.client()
    client.load()
    admit_stranger(hub, signers)
    assert refused(client) == "directory-untrusted"
    # A client that knows nothing yet is not fooled either.
    assert refused(hub.client("new")) == "directory-untrusted"


def test_one_signature_spelled_twice_is_one(hub):
    client = hub.client()
    client.load()
    admit_stranger(hub, ["government"])
    path = hub.groups.folder / "metadata/2.targets.json"
    tree = json.loads(path.read_bytes())
    tree["signatures"] *= 2
    path.write_text(json.dumps(tree))
    assert refused(client) == "directory-untrusted"


@pytest.mark.parametrize("other", ["industry", "civil-society"])
def test_any_two_groups_admit_and_expel(hub, other):
    client = hub.client()
    client.load()
    admit_stranger(hub, ["government", other])
    assert members(client) == ["cert-aq", "cert-bv", "stranger"]
    hub.groups.remove("members/stranger.json")
    hub.groups.publish(["government", other])
    assert members(client) == ["cert-aq", "cert-bv"]


def test_one_group_cannot_replace_the_root(hub):
    client = hub.client()
    client.load()
    thief = group_signer("thief", "industry")
    hub.groups.replace_key("government", thief)
    hub.groups.publish(["government"], root=True)
    assert refused(client) == "directory-untrusted"


def test_one_group_and_a_key_that_it_made_up_cannot_replace_the_root(hub):
    client = hub.client()
    client.load()
    hub.groups.replace_key("industry", group_signer("thief", "industry"))
    # The new root is signed by its own threshold, and by one key of the old one.
    hub.groups.publish(["government", "industry"], root=True)
    assert refused(client) == "directory-untrusted"


def test_one_group_cannot_lower_the_threshold(hub):
    client = hub.client()
    client.load()
    for role in ("root", "targets"):
        hub.groups.root.signed.roles[role].threshold = 1
    hub.groups.publish(["government"], root=True)
    assert refused(client) == "directory-untrusted"


def test_a_key_that_two_groups_replaced_signs_nothing_any_more(hub):
    client = hub.client()
    client.load()
    old = hub.groups.replace_key("industry", group_signer("new", "industry"))
    hub.groups.publish(
        root=True, root_signers=["government", "industry", old, "civil-society"]
    )
    client.refresh()
    new, hub.groups.keys["industry"] = hub.groups.keys["industry"], old
    admit_stranger(hub, ["government", "industry"])
    assert refused(client) == "directory-untrusted"
    hub.groups.keys["industry"] = new
    hub.groups.publish(["government", "industry"])
    assert "stranger" in members(client)


# ------------------------------------------------------------------- the mirror


def test_rollback_an_older_directory_is_refused(hub):
    client = hub.client()
    hub.put(member("stranger"))
    hub.groups.publish()
    client.load()
    before = copy_of(hub, "before")
    hub.groups.remove("members/stranger.json")
    hub.groups.publish()
    assert members(client) == ["cert-aq", "cert-bv"]
    serve(hub, before)
    assert refused(client) == "directory-untrusted"
    # After a restart, too: the cache remembers, and what was kept serves.
    again = hub.client().load()
    assert again.is_kept
    assert sorted(again.directory.members) == ["cert-aq", "cert-bv"]


def test_freeze_is_an_alarm_from_the_second_day_and_ends_all_on_the_seventh(hub):
    client = hub.client()
    client.load()
    frozen = copy_of(hub, "frozen")
    hub.daily(2)
    hub.put(member("cert-cw"))
    hub.groups.publish()
    serve(hub, frozen)
    loaded = client.refresh()  # nothing new, and all of it is well signed
    assert [each.event for each in alarms(loaded.freshness, hub.now)] == [
        "directory.stale"
    ]
    hub.wait(days=5)
    assert refused(client) == "directory-expired"
    with pytest.raises(TrustError) as caught:
        loaded.directory.need_current(hub.now)
    assert caught.value.reason == "directory-expired"


def test_mix_and_match_files_of_two_versions_make_no_directory(hub):
    client = hub.client()
    client.load()
    hub.put(member("stranger"))
    hub.groups.publish()
    folder = hub.groups.folder / "metadata"
    shutil.copy(folder / "1.targets.json", folder / "2.targets.json")
    assert refused(client) == "directory-untrusted"


def test_a_snapshot_of_another_day_under_a_new_timestamp_is_refused(hub):
    client = hub.client()
    client.load()
    hub.daily(1)
    folder = hub.groups.folder / "metadata"
    shutil.copy(folder / "1.snapshot.json", folder / "2.snapshot.json")
    assert refused(client) == "directory-untrusted"


def test_a_member_file_that_was_swapped_is_refused(hub):
    client = hub.client()
    hub.put(member("cert-aq", clearance="CLEAR"))
    hub.groups.publish()
    folder = hub.groups.folder / "targets/members"
    [one, other] = folder.glob("*.cert-aq.json")
    new = hub.groups.targets.signed.targets["members/cert-aq.json"].hashes["sha256"]
    if new in other.name:
        one, other = other, one
    shutil.copy(other, one)  # the entry of before, under the name of the new one
    assert refused(client) == "directory-untrusted"


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("timestamp.json", BOUNDS.timestamp_max_length),
        ("1.snapshot.json", BOUNDS.snapshot_max_length),
        ("1.targets.json", BOUNDS.targets_max_length),
        ("2.root.json", BOUNDS.root_max_length),
    ],
)
def test_oversized_metadata_is_left_at_its_limit(hub, name, limit):
    (hub.groups.folder / "metadata" / name).write_bytes(b" " * (limit + 1))
    assert refused(hub.client()) == "directory-untrusted"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[" * 10_000, b"\xff", b"null", b'{"signed":{}}']
)
@pytest.mark.parametrize(
    "name", ["timestamp.json", "1.snapshot.json", "1.targets.json"]
)
def test_what_is_no_metadata_is_refused(hub, name, data):
    (hub.groups.folder / "metadata" / name).write_bytes(data)
    assert refused(hub.client()) == "directory-untrusted"


def test_a_chain_of_roots_without_end_is_left_at_its_limit(hub, monkeypatch):
    monkeypatch.setattr(BOUNDS, "max_root_rotations", 5)
    client = hub.client()
    for _ in range(12):
        hub.groups.publish(root=True)
    for _ in range(2):
        client.refresh()
        history = hub.folder / "cache/metadata/root_history"
        assert len(list(history.iterdir())) == 1 + 5


def test_an_entry_larger_than_any_is_not_even_fetched(hub):
    hub.groups.put("members/cert-cw.json", b" " * (1 << 19))
    hub.groups.publish()
    assert refused(hub.client()) == "directory-untrusted"


# ----------------------------------------------------------- the hub's online key


def test_with_the_online_key_a_thief_admits_nobody_and_brings_nothing_back(hub):
    client = hub.client()
    hub.groups.publish()
    client.load()
    admit_stranger(hub, ["online"])
    assert refused(client) == "directory-untrusted"
    # Targets of before, under a fresh snapshot and timestamp.
    hub.groups.targets.signed.version = 1
    hub.groups.refresh()
    assert refused(client) == "directory-untrusted"


def test_with_the_online_key_a_thief_can_hold_news_back_until_targets_expire(hub):
    # What it can do: only a person who knows of the news notices.
    client = hub.client()
    client.load()
    hub.daily(179)
    assert not [
        a for a in alarms(client.refresh().freshness, hub.now) if a.level == "error"
    ]
    hub.daily(1)
    assert refused(client) == "directory-expired"


def test_a_thief_that_jumps_far_ahead_is_out_once_the_key_is_replaced(hub):
    client = hub.client()
    client.load()
    hub.groups.timestamp.signed.version = hub.groups.snapshot.signed.version = 1 << 30
    hub.groups.refresh()
    client.refresh()
    hub.groups.timestamp.signed.version = hub.groups.snapshot.signed.version = 5
    hub.groups.replace_key("online", group_signer("new online", "hub"))
    hub.groups.publish(root=True)
    assert client.refresh().version == 2


def test_another_timestamp_of_the_same_version_changes_nothing(hub):
    client = hub.client()
    before = client.load()
    hub.groups.timestamp.signed.snapshot_meta = MetaFile(99)
    hub.groups.sign(hub.groups.timestamp, [hub.groups.keys["online"]])
    hub.groups.write("timestamp.json", hub.groups.timestamp)
    assert client.refresh().directory.members == before.directory.members


def test_with_the_online_key_a_suspension_is_not_undone_where_it_is_known(hub):
    client = hub.client()
    hub.groups.suspend("industry", [hub.suspension()])
    client.load()
    del hub.groups.suspensions["industry"]  # leave it out of the snapshot
    hub.groups.refresh()
    assert refused(client) == "directory-untrusted"


# ------------------------------------------------------------------- suspensions


def test_a_suspension_lapses_by_itself(hub):
    client = hub.client()
    hub.groups.suspend("hub", [hub.suspension()])
    for _ in range(7):
        assert client.refresh().directory.is_suspended("cert-aq", hub.now)
        hub.daily(1)
    assert not client.refresh().directory.is_suspended("cert-aq", hub.now)


def test_one_party_that_renews_for_ever_suspends_for_a_week(hub):
    client = hub.client()
    days = 0
    for _ in range(20):
        hub.groups.suspend("industry", [hub.suspension()])
        days += client.refresh().directory.is_suspended("cert-aq", hub.now)
        hub.daily(1)
    assert days == 7


def test_lifting_and_saying_it_again_prolongs_nothing(hub):
    client = hub.client()
    days = 0
    for _ in range(10):
        hub.groups.suspend("industry", [hub.suspension()])
        days += client.refresh().directory.is_suspended("cert-aq", hub.now)
        hub.groups.suspend("industry", [])
        client.refresh()
        hub.daily(1)
    assert days == 7


def test_what_the_threshold_confirms_stays(hub):
    client = hub.client()
    hub.groups.suspend("hub", [hub.suspension()])
    client.refresh()
    since = timestamps.from_epoch(hub.now)
    hub.put(member("cert-aq", suspended=Suspended(since, "key stolen")))
    hub.groups.publish()
    hub.groups.suspend("hub", [])
    hub.daily(100)
    assert client.refresh().directory.is_suspended("cert-aq", hub.now)
    # One group alone does not lift it.
    hub.put(member("cert-aq"))
    hub.groups.publish(["government"])
    assert refused(client) == "directory-untrusted"


def test_one_group_cannot_lift_what_another_said(hub):
    client = hub.client()
    hub.groups.suspend("industry", [hub.suspension()])
    client.load()
    # In the other's role, with its own key:
    hub.groups.suspend("industry", [], key=hub.groups.keys["government"])
    assert refused(client) == "directory-untrusted"
    hub.groups.suspend("industry", [hub.suspension()])
    # And in its own role, under the other's path:
    role = Targets(
        version=2, expires=hub.groups.suspensions["government"].signed.expires
    )
    hub.groups._store(role, "suspensions/industry.json", {"suspensions": []})
    hub.groups.suspensions["government"].signed = role
    hub.groups.sign(
        hub.groups.suspensions["government"], [hub.groups.keys["government"]]
    )
    hub.groups.write(
        "2.suspensions-government.json", hub.groups.suspensions["government"]
    )
    hub.groups.refresh()
    assert client.refresh().directory.is_suspended("cert-aq", hub.now)


def test_who_may_suspend_can_admit_nobody(hub):
    client = hub.client()
    client.load()
    role = hub.groups.suspensions["hub"].signed
    role.version = 2
    hub.groups._store(role, "members/stranger.json", {"org": "stranger"})
    hub.groups.sign(hub.groups.suspensions["hub"], [hub.groups.keys["hub"]])
    hub.groups.write("2.suspensions-hub.json", hub.groups.suspensions["hub"])
    hub.groups.refresh()
    assert members(client) == ["cert-aq", "cert-bv"]


def test_all_of_one_party_suspended_by_one_group_can_still_be_confirmed_or_end(hub):
    # What one group can do: stop every member for a week.
    client = hub.client()
    hub.groups.suspend(
        "industry", [hub.suspension(org) for org in ("cert-aq", "cert-bv", "hub")]
    )
    found = client.refresh().directory
    assert all(
        found.is_suspended(org, hub.now) for org in ("cert-aq", "cert-bv", "hub")
    )
    hub.daily(7)
    assert not any(
        client.refresh().directory.is_suspended(org, hub.now)
        for org in ("cert-aq", "cert-bv", "hub")
    )


# --------------------------------------------------------------- a member's key


def verdict(hub: Hub, token: bytes, first_seen: float | None = None) -> str:
    try:
        known = hub.client().load().directory
        trust.verify(token, known, now=hub.now, first_seen=first_seen)
    except TrustError as error:
        return error.reason
    return "verified"


def revoke(hub: Hub, org: str) -> None:
    key: KeyEntry = key_entry(
        org, revoked_at=timestamps.from_epoch(hub.now), revocation_reason="compromised"
    )
    hub.put(member(org, keys=(key,)))
    hub.groups.publish()


def test_with_a_members_key_a_thief_speaks_in_its_name_until_it_is_suspended(hub):
    stolen = Feed("cert-aq").sign(draft(1))
    assert verdict(hub, stolen) == "verified"  # what it can do
    hub.groups.suspend("hub", [hub.suspension(kid=signer("cert-aq").kid)])
    assert verdict(hub, stolen) == "key-suspended"
    revoke(hub, "cert-aq")
    hub.daily(8)
    assert verdict(hub, stolen) == "key-revoked"


def test_a_backdated_token_counts_from_when_the_gate_saw_it(hub):
    backdated = Feed("cert-aq").sign(draft(1))  # `iat` is START
    hub.wait(hours=1)
    revoke(hub, "cert-aq")
    assert verdict(hub, backdated, first_seen=hub.now) == "key-revoked"
    # What had come before is not lost with the key.
    assert verdict(hub, backdated, first_seen=START.timestamp()) == "verified"


def test_a_key_signs_in_no_other_members_name(hub):
    assert verdict(hub, Feed("stranger").sign(draft(1))) == "unknown-key"
    posing = Feed("cert-bv")
    posing.signer.org = "cert-aq"  # `iss`; the key's name stays
    assert verdict(hub, posing.sign(draft(1))) == "iss-kid"


def test_two_groups_that_give_one_key_two_owners_are_told_and_nothing_is_loaded(hub):
    entry = key_entry("cert-aq", jwk=replace(signer("cert-aq").jwk, kid=UNSET))
    hub.put(member("cert-cw", keys=(entry,)))
    hub.groups.publish()
    with pytest.raises(ConfigError, match="stands in the directory twice"):
        hub.client().load()
