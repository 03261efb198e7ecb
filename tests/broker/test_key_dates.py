"""How long keys count: said in time, and to whom nobody else will say it."""

from typing import Any

import pytest

from broker.directory import Service, build
from broker.key_dates import KeyStatus, said, status_of, statuses
from broker.signers import Signer
from schemas import timestamps
from tests.support import sealing
from tests.support.records import CERT, PLATFORM, key_entry, member, private_key
from tests.support.suspended import suspended

NOW = timestamps.epoch("2026-06-15T12:00:00Z")
NEXT = Signer("cert-aq", private_key("the next one"))
HUB = Signer("hub", private_key("hub"))
OTHER_HUB = Signer("hub", private_key("hub, the next one"))


def status(*next_keys: Any, **changes: Any) -> KeyStatus:
    entries = (key_entry(CERT, **changes), *next_keys)
    found = status_of(build([member(CERT, keys=entries)]), CERT.kid, NOW)
    assert found is not None
    return found


def test_a_key_with_time_left_is_valid() -> None:
    found = status(not_after="2026-07-15T12:00:00Z")
    assert (found.state, found.days_left, found.is_urgent) == ("valid", 30, False)
    assert said(found) == f"key {CERT.kid} is valid until 2026-07-15T12:00:00.000Z"


def test_a_key_is_called_from_thirty_days_before_its_end() -> None:
    found = status(not_after="2026-07-15T11:59:59Z")
    assert (found.state, found.days_left, found.is_urgent) == ("ends-soon", 29, True)
    assert "ends in 29 days, 2026-07-15" in said(found)
    assert "keygen --next" in said(found)
    assert "in 1 day," in said(status(not_after="2026-06-16T12:00:01Z"))


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"not_before": "2026-06-15T12:00:01Z"}, "not-yet", "no use before"),
        ({"not_after": "2026-06-15T11:59:59Z"}, "ended", "has ended"),
        ({"revoked_at": "2026-06-15T12:00:00Z"}, "revoked", "(compromised)"),
        (
            {"revoked_at": "2026-06-01T00:00:00Z", "revocation_reason": "retired"},
            "revoked",
            "(retired)",
        ),
        (
            {"revoked_at": "2026-06-25T12:00:00Z", "revocation_reason": "superseded"},
            "ends-soon",
            "ends in 10 days",
        ),
    ],
)
def test_a_key_that_signs_nothing_now_says_why(
    changes: dict[str, str], state: str, words: str
) -> None:
    found = status(**changes)
    assert found.state == state
    assert words in said(found)
    assert found.days_left == (10 if state == "ends-soon" else 0)


@pytest.mark.parametrize(
    ("follows", "is_urgent"),
    [
        ({}, False),
        ({"not_before": "2026-07-01T00:00:00Z"}, False),
        ({"not_before": "2026-07-01T00:00:01Z"}, True),  # one second without a key
        ({"not_after": "2026-07-01T00:00:00Z"}, True),  # no longer than the first
        ({"revoked_at": "2026-06-01T00:00:00Z"}, True),
    ],
)
def test_a_key_that_another_follows_without_a_gap_is_not_urgent(
    follows: dict[str, str], is_urgent: bool
) -> None:
    found = status(key_entry(NEXT, **follows), not_after="2026-07-01T00:00:00Z")
    assert (found.state, found.is_urgent) == ("ends-soon", is_urgent)


def test_a_key_counts_at_its_very_ends() -> None:
    assert status(not_before="2026-06-15T12:00:00Z").state == "valid"
    last = status(not_after="2026-06-15T12:00:00Z")
    assert (last.state, last.days_left) == ("ends-soon", 0)


def test_a_key_that_ended_with_no_other_is_urgent() -> None:
    gone = {"not_after": "2026-06-01T00:00:00Z"}
    assert status(**gone).is_urgent
    assert not status(key_entry(NEXT), **gone).is_urgent


def test_a_revoked_key_with_a_next_one_is_not_urgent() -> None:
    assert not status(key_entry(NEXT), revoked_at="2026-06-01T00:00:00Z").is_urgent
    assert status(revoked_at="2026-06-01T00:00:00Z").is_urgent


@pytest.mark.parametrize("subject", ["cert-aq", CERT.kid])
def test_a_suspended_key_says_so_while_it_is_and_while_it_would_count(
    subject: str,
) -> None:
    def state(since: float, until: float, **changes: Any) -> str:
        known = build([member(CERT, keys=(key_entry(CERT, **changes),))])
        found = status_of(suspended(known, subject, since, until), CERT.kid, NOW)
        assert found is not None
        assert found.state != "suspended" or found.days_left == 0
        return found.state

    assert state(NOW, NOW + 1) == "suspended"
    assert state(NOW - 9, NOW) == state(NOW + 1, NOW + 9) == "valid"
    assert state(NOW, NOW + 1, revoked_at="2026-06-01T00:00:00Z") == "revoked"
    known = suspended(build([member(CERT)]), subject, NOW, NOW + 1)
    found = status_of(known, CERT.kid, NOW)
    assert found is not None
    assert "suspended" in said(found)
    assert not found.is_urgent  # its owner needs no other key


def test_keys_to_seal_to_are_listed_and_followed_by_their_own_kind() -> None:
    ends = {"not_after": "2026-07-01T00:00:00Z"}
    first = sealing.entry(sealing.private("cert-aq"), **ends)
    keys = (first, sealing.entry(sealing.private("cert-aq", number=2)))
    for sealing_keys, is_urgent in (((first,), True), (keys, False)):
        known = build([member(CERT, sealing=sealing_keys)])
        [found] = [
            each
            for each in statuses(known, NOW)
            if each.uses == ("sealing",) and each.state == "ends-soon"
        ]
        assert found.is_urgent == is_urgent
    gone = sealing.entry(sealing.private("cert-aq"), revoked_at="2026-06-01T00:00:00Z")
    known = build([member(CERT, sealing=(gone,))])
    [found] = [each for each in statuses(known, NOW) if each.uses == ("sealing",)]
    assert (found.state, found.reason) == ("revoked", None)
    assert "was revoked 2026-06-01T00:00:00.000Z; use another" in said(found)


def test_keys_of_the_hub_are_listed_with_what_they_sign() -> None:
    hub = Service(
        org="hub",
        name="Hub",
        services=("gate", "adapter"),
        keys=(key_entry(HUB),),
    )
    found = statuses(build([member(CERT), member(PLATFORM)], [hub]), NOW)
    assert [(each.org, each.uses) for each in found] == [
        ("cert-aq", ("records",)),
        ("hub", ("adapter", "gate")),
        ("platform-lumen", ("records",)),
    ]
    assert status_of(build([member(CERT)]), NEXT.kid, NOW) is None


@pytest.mark.parametrize("ours", [("gate",), ("adapter", "gate")])
def test_keys_of_the_hub_follow_each_other(ours: tuple[str, ...]) -> None:
    keys = (key_entry(HUB, not_after="2026-07-01T00:00:00Z"), key_entry(OTHER_HUB))
    hub = Service(org="hub", name="Hub", services=ours, keys=keys)
    first, second = statuses(build([], [hub]), NOW)
    assert (first.state, first.is_succeeded, second.is_succeeded) == (
        "ends-soon",
        True,
        False,
    )
