"""When a suspension holds: for a week if one party says it, else until it is lifted."""

import msgspec
import pytest
from msgspec import structs

from broker import suspensions
from broker.directory import Directory, KnownSealingKey, Suspended, under
from broker.errors import ConfigError, TrustError
from broker.suspending import confirmed, in_force
from broker.suspensions import Suspension
from schemas import timestamps
from schemas.errors import SchemaError
from tests.support.issuing import directory, member, signer

SINCE = "2026-03-01T12:00:00Z"
AT = timestamps.epoch(SINCE)
DAY = 86_400.0
KID = signer("cert-aq").kid


def line(**more) -> Suspension:
    return Suspension(**{"org": "cert-aq", "reason": "stolen", "since": SINCE, **more})


def known(*spans, expires: float = float("inf")) -> Directory:
    return under(directory(), spans, expires=expires)


def test_it_holds_from_its_moment_for_seven_days():
    found = known(in_force(line(), "hub", AT))
    held = [found.is_suspended("cert-aq", at) for at in (AT - 1, AT, AT + 7 * DAY - 1)]
    assert held == [False, True, True]
    assert not found.is_suspended("cert-aq", AT + 7 * DAY)


def test_another_beginning_prolongs_nothing():
    span = in_force(line(), "hub", AT - 6 * DAY)
    assert (span.since, span.until) == (AT, AT + DAY)


def test_the_end_is_a_whole_second_like_the_gates_stamps():
    assert in_force(line(), "hub", AT - 0.25).until == AT - 1 + 7 * DAY


def test_a_beginning_in_the_past_brings_an_earlier_end():
    assert in_force(line(), "hub", AT + 3 * DAY).until == AT + 7 * DAY


def test_of_a_key_the_organisation_is_not_suspended():
    found = known(in_force(line(kid=KID), "hub", AT))
    assert found.is_suspended(KID, AT)
    assert not found.is_suspended("cert-aq", AT)


def test_deny_wins_whoever_says_so():
    ended, holding = in_force(line(), "hub", AT - 9 * DAY), in_force(line(), "x", AT)
    for spans in ((ended, holding), (holding, ended)):
        assert known(*spans).is_suspended("cert-aq", AT)


def test_what_the_threshold_confirms_has_no_end():
    entry = member("cert-aq", suspended=Suspended(SINCE, "stolen"))
    found = under(directory(entry), [in_force(line(), "hub", AT)], expires=AT)
    assert found.is_suspended("cert-aq", AT + 10_000 * DAY)
    assert not found.is_suspended("cert-aq", AT - 1)
    assert [each.by for each in found.suspensions["cert-aq"]] == ["threshold", "hub"]


def test_a_confirmation_at_no_time_is_refused():
    with pytest.raises(SchemaError):
        confirmed("cert-aq", "yesterday")
    with pytest.raises(ConfigError, match=r"cert-aq: suspended\.since"):
        directory(member("cert-aq", suspended=Suspended("yesterday", "stolen")))


def test_members_receive_unless_they_are_suspended_or_gone():
    found = known(in_force(line(), "hub", AT))
    assert not found.may_receive("cert-aq", AT)
    assert found.may_receive("cert-aq", AT + 7 * DAY)
    assert found.may_receive("cert-bv", AT)
    assert not found.may_receive("cert-cw", AT)


def test_a_directory_is_decided_on_until_it_expires():
    found = known(expires=AT)
    found.need_current(AT - 1)
    with pytest.raises(TrustError) as caught:
        found.need_current(AT)
    assert caught.value.reason == "directory-expired"


def test_a_partys_file_comes_back_as_it_was_written():
    lines = (line(), line(kid=KID))
    assert suspensions.decode(suspensions.encode(lines)) == lines


@pytest.mark.parametrize(
    "lines",
    [
        [{"org": "cert-aq", "reason": "stolen"}],
        [{"org": "cert-aq", "reason": "stolen", "since": "now"}],
        [{"org": "cert-aq", "reason": "stolen", "since": SINCE, "until": SINCE}],
        [{"org": "cert-bv", "reason": "stolen", "since": SINCE, "kid": KID}],
        [msgspec.to_builtins(line())] * 2,
        [msgspec.to_builtins(line())] * 1001,
    ],
)
def test_a_file_of_another_form_is_refused(lines):
    with pytest.raises(TrustError) as caught:
        suspensions.decode(msgspec.json.encode({"suspensions": lines}))
    assert caught.value.reason == "suspensions-form"


def test_nothing_is_sealed_to_a_member_that_is_suspended():
    signing = known(in_force(line(), "hub", AT))
    held = KnownSealingKey("cert-aq/s", "cert-aq", None, 0.0, 2 * AT, None)
    found = structs.replace(signing, sealing={"cert-aq": (held,)})
    assert found.sealing_key("cert-aq", now=AT - 1) is held
    with pytest.raises(TrustError) as caught:
        found.sealing_key("cert-aq", now=AT)
    assert caught.value.reason == "no-sealing-key"
