"""broker.directory_proposal and directory_change: what is signed follows from what is said."""

from datetime import timedelta

import msgspec
import pytest

from broker import directory_proposal, suspensions
from broker.directory import MAX_POLICIES
from broker.directory_change import Change, result_of, written
from broker.directory_proposal import Base, Document, decode, encode
from broker.errors import ConfigError, TrustError
from broker.suspensions import Suspension
from tests.support import records
from tests.support.directories import (
    CERT,
    NOW,
    Shelf,
    keyring,
    signer,
    text,
)

NEWS = records.signer("newsroom-dx")
ADMIT = Change(files={"members/newsroom-dx.json": text(records.member(NEWS, kinds=()))})
MADE = written(NOW)


@pytest.fixture(scope="module")
def founded():
    """For tests that publish nothing."""
    return Shelf()


def reason_of(call, *args, **more):
    with pytest.raises(TrustError) as caught:
        call(*args, **more)
    return caught.value.reason


# ------------------------------------------------------------------- thresholds


def test_two_groups_admit_and_all_clients_see_it():
    shelf = Shelf()
    seen = shelf.decide(ADMIT)
    assert seen.complete
    assert {*shelf.state.files} >= {*CERT, *ADMIT.files}


@pytest.mark.parametrize("by", [(), ("industry",), ("industry", "industry")])
def test_fewer_groups_than_two_publish_nothing(founded, by):
    seen = founded.checked(founded.signed(founded.propose(ADMIT), by))
    assert not seen.complete
    assert seen.standing[0].needed == 2 - len({*by})
    with pytest.raises(TrustError, match="directory-threshold"):
        founded.put(founded.state, seen)


def test_who_is_missing_is_said(founded):
    seen = founded.checked(founded.signed(founded.propose(ADMIT), ["industry"]))
    [standing] = seen.standing
    assert standing.role == "targets"
    assert standing.signed == ("industry",)
    assert standing.waiting == ("civil-society", "government")


def test_a_signature_that_does_not_hold_does_not_count(founded):
    proposal = founded.signed(founded.propose(ADMIT))
    document = proposal.documents["targets"]
    bent = {
        k: v[:-2] + ("00" if v[-2:] != "00" else "11")
        for k, v in document.signatures.items()
    }
    proposal = msgspec.structs.replace(
        proposal, documents={"targets": Document(document.signed, bent)}
    )
    assert founded.checked(proposal).standing[0].needed == 2


@pytest.mark.parametrize("key", ["hub", "online", "stranger"])
def test_a_key_that_decides_nothing_cannot_sign(founded, key):
    seen = founded.checked(founded.propose(ADMIT))
    assert (
        reason_of(directory_proposal.sign, founded.state, seen, signer(key))
        == "proposal-key"
    )


def test_signatures_made_on_copies_are_put_together(founded):
    proposal = founded.propose(ADMIT)
    copies = [
        founded.signed(proposal, [name]) for name in ("industry", "civil-society")
    ]
    assert founded.checked(directory_proposal.merged(copies)).complete


def test_copies_of_two_proposals_are_not_put_together(founded):
    other = founded.propose(Change(removed=tuple(CERT)))
    both = [founded.propose(ADMIT), other]
    assert reason_of(directory_proposal.merged, both) == "proposal-bytes"


# ------------------------------------------------------- what is signed is what is said


def test_a_proposal_reads_as_it_was_written(founded):
    proposal = founded.signed(founded.propose(ADMIT))
    assert decode(encode(proposal)) == proposal


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"form":"another"}', b"\xff"])
def test_what_is_no_proposal_is_refused(data):
    assert reason_of(decode, data) == "proposal-form"


def test_a_proposal_that_nobody_would_read_is_not_written(founded, monkeypatch):
    proposal = founded.propose(ADMIT)
    monkeypatch.setattr(directory_proposal, "MAX_BYTES", len(encode(proposal)) - 1)
    assert reason_of(encode, proposal) == "too-large"


def test_bytes_that_do_more_than_the_change_says_are_refused(founded):
    said, done = founded.propose(ADMIT), founded.propose(Change(removed=tuple(CERT)))
    both = msgspec.structs.replace(said, documents=done.documents)
    assert reason_of(founded.checked, both) == "proposal-bytes"


def test_a_document_beside_those_that_follow_is_refused(founded):
    proposal = founded.propose(ADMIT)
    more = {**proposal.documents, "root": proposal.documents["targets"]}
    bent = msgspec.structs.replace(proposal, documents=more)
    assert reason_of(founded.checked, bent) == "proposal-bytes"


def test_a_base_that_names_too_few_roles_is_refused(founded):
    proposal = founded.propose(Change(renew=True))
    base = {"targets": proposal.base["targets"]}
    bent = msgspec.structs.replace(proposal, base=base)
    assert reason_of(founded.checked, bent) == "proposal-bytes"


def test_a_proposal_from_an_older_version_is_refused():
    shelf = Shelf()
    old = shelf.propose(Change(removed=tuple(CERT)))
    shelf.decide(ADMIT)
    assert reason_of(shelf.checked, old) == "proposal-base"


@pytest.mark.parametrize(
    "base", [{}, {"nothing": Base(1, "")}, {"targets": Base(1, "")}]
)
def test_a_proposal_from_another_directory_is_refused(founded, base):
    bent = msgspec.structs.replace(founded.propose(ADMIT), base=base)
    assert reason_of(founded.checked, bent) == "proposal-base"


def test_a_change_is_no_new_directory(founded):
    proposal = founded.propose(ADMIT)
    call = directory_proposal.checked
    assert reason_of(call, None, proposal, now=NOW) == "proposal-base"


@pytest.mark.parametrize("days", [-1, 31])
def test_a_proposal_of_another_time_is_refused(founded, days):
    proposal = founded.propose(ADMIT)
    then = NOW + timedelta(days=days)
    call = directory_proposal.checked
    assert reason_of(call, founded.state, proposal, now=then) == "proposal-stale"


def test_a_moment_that_is_none_is_refused(founded):
    bent = msgspec.structs.replace(founded.propose(ADMIT), made="today")
    assert reason_of(founded.checked, bent) == "proposal-form"


# ---------------------------------------------------------------- what may change


@pytest.mark.parametrize(
    "change",
    [
        Change(),
        Change(files=CERT),
        Change(removed=("members/nobody.json",)),
        Change(removed=("suspensions/hub.json",)),
        Change(files=CERT, removed=tuple(CERT)),
        Change(files={"suspensions/hub.json": "{}", **ADMIT.files}),
        Change(files={"suspensions/stranger.json": "{}"}),
        Change(files={"suspensions/../hub.json": "{}"}),
        Change(files={"suspensions/hub.json": suspensions.encode(()).decode()}),
        Change(keys=keyring()),
    ],
)
def test_a_change_of_nothing_or_of_what_is_not_there_is_refused(founded, change):
    assert reason_of(founded.propose, change) == "proposal-change"


@pytest.mark.parametrize(
    "change",
    [Change(), Change(keys=keyring(), removed=("members/x.json",))],
)
def test_a_new_directory_needs_keys_and_has_nothing_to_remove(change):
    assert reason_of(result_of, None, change, MADE) == "proposal-change"


def test_a_new_directory_suspends_nobody():
    change = Change(keys=keyring(), files={"suspensions/hub.json": "{}"})
    assert reason_of(result_of, None, change, MADE) == "proposal-change"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("members/other.json", text(records.member(NEWS))),
        ("services/newsroom-dx.json", text(records.member(NEWS))),
        ("members/newsroom-dx.json", "{}"),
        ("members/NEWSROOM.json", text(records.member(NEWS))),
        ("members/../x.json", text(records.member(NEWS))),
        ("elsewhere/newsroom-dx.json", text(records.member(NEWS))),
        ("policies/default.toml", "x" * (1 << 20) + "x"),
        (
            "members/newsroom-dx.json",
            text(records.member(NEWS, keys=(records.key_entry(),))),
        ),
    ],
)
def test_what_no_client_could_load_is_not_signed(founded, path, content):
    assert (
        reason_of(founded.propose, Change(files={path: content})) == "directory-entry"
    )


def test_one_policy_too_many_is_not_signed(founded):
    files = {f"policies/p{n}.toml": "version = 1" for n in range(MAX_POLICIES + 1)}
    assert reason_of(founded.propose, Change(files=files)) == "directory-entry"


def test_renewing_signs_root_and_members_again():
    shelf = Shelf()
    shelf.now = NOW + timedelta(days=170)
    shelf.decide(Change(renew=True))
    state = shelf.state
    assert (state.root.signed.version, state.targets.signed.version) == (2, 2)
    assert state.targets.signed.expires == shelf.now + timedelta(days=180)


# ------------------------------------------------------------------- suspensions


def suspended(*subjects: str, reason: str = "its laptop was stolen") -> str:
    entries = tuple(
        Suspension(org=each, reason=reason, since=MADE) for each in subjects
    )
    return suspensions.encode(entries).decode()


def test_one_party_suspends_alone_and_lifts_its_own():
    shelf = Shelf()
    shelf.decide(Change(files={"suspensions/hub.json": suspended("cert-aq")}), ["hub"])
    [held] = suspensions.decode(shelf.state.files["suspensions/hub.json"])
    assert held.subject == "cert-aq"
    shelf.decide(Change(files={"suspensions/hub.json": suspended()}), ["hub"])
    assert suspensions.decode(shelf.state.files["suspensions/hub.json"]) == ()
    assert shelf.state.targets.signed.version == 1


@pytest.mark.parametrize("by", ["government", "online"])
def test_no_party_suspends_or_lifts_for_another(founded, by):
    change = Change(files={"suspensions/hub.json": suspended("cert-aq")})
    seen = founded.checked(founded.propose(change))
    assert (
        reason_of(directory_proposal.sign, founded.state, seen, signer(by))
        == "proposal-key"
    )


def test_suspensions_that_no_client_could_read_are_not_signed(founded):
    change = Change(files={"suspensions/hub.json": '{"suspensions":[{}]}'})
    assert reason_of(founded.propose, change) == "suspensions-form"


# ------------------------------------------------------------------ keys of groups


OTHER = signer("another")


def replaced(**suspending: object) -> Change:
    groups = {**keyring().groups, "industry": OTHER.jwk}
    held = {**keyring().suspending, "industry": OTHER.jwk, **suspending}
    return Change(keys=keyring(groups=groups, suspending=held))


def test_a_groups_key_is_replaced_by_old_and_new_threshold():
    shelf = Shelf()
    text_ = suspended("cert-aq")
    shelf.decide(Change(files={"suspensions/industry.json": text_}), ["industry"])
    shelf.decide(replaced(), ["government", "civil-society", OTHER])
    state = shelf.state
    assert state.root.signed.version == 2
    assert (
        state.keyring.groups["industry"] == keyring(groups={"x": OTHER.jwk}).groups["x"]
    )
    # What it suspends stays suspended, under its new key.
    assert state.files["suspensions/industry.json"] == text_.encode()


@pytest.mark.parametrize(
    "by", [("industry", OTHER), ("government", OTHER), ("government", "civil-society")]
)
def test_a_groups_key_is_not_replaced_without_all_of_them(founded, by):
    seen = founded.checked(founded.signed(founded.propose(replaced()), by))
    assert not seen.complete
    if OTHER in by:
        assert any(each.outgoing and each.needed for each in seen.standing)


def test_the_online_key_is_replaced_without_touching_the_members():
    shelf = Shelf()
    change = Change(keys=keyring(online=OTHER.jwk))
    old, shelf.keys["online"] = shelf.keys["online"], OTHER
    shelf.decide(change)
    assert shelf.state.targets.signed.version == 1
    shelf.keys["online"] = old
    with pytest.raises(ConfigError, match="not the key"):
        shelf.decide(ADMIT)


def test_a_party_that_may_suspend_no_more_is_gone_and_its_role_never_goes_back():
    shelf = Shelf()
    fewer = {k: v for k, v in keyring().suspending.items() if k != "hub"}
    shelf.decide(Change(keys=keyring(suspending=fewer)))
    assert "suspensions/hub.json" not in shelf.state.files
    shelf.decide(Change(keys=keyring()), ["government", "industry", "hub"])
    assert shelf.state.suspensions["suspensions-hub"].signed.version == 2


def test_a_group_joins_and_may_suspend():
    shelf = Shelf()
    more = {**keyring().groups, "research": OTHER.jwk}
    held = {**keyring().suspending, "research": OTHER.jwk}
    change = Change(keys=keyring(groups=more, suspending=held, threshold=3))
    shelf.decide(change, ["government", "industry", OTHER])
    assert shelf.state.keyring.threshold == 3
    assert shelf.state.suspensions["suspensions-research"].signed.version == 1
