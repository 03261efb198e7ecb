"""The issuer's own coarse values: who gets them, and what the projection says of them."""

import pytest

from broker import trust
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from tests.support import views
from tests.support.views import (
    CIVIL,
    EXTENSION_ID,
    INCIDENT,
    NOW,
    PEER,
    PLATFORM,
    cut,
    granular,
    new,
    only,
    projected,
)

NETWORK = "203.0.113.0/24"
BOTH = frozenset({"address", "time"})


def signed(*objects):
    return views.signed(INCIDENT, *objects, coarse=BOTH)


def victim(**properties):
    return new("ipv4-addr", value="203.0.113.9", **properties)


def statement(one):
    return one["extensions"][EXTENSION_ID]


def test_who_gets_the_network_gets_the_issuers_own_and_can_prove_it():
    redacted = cut(signed(victim()), PEER)
    one = only(redacted, "ipv4-addr")
    assert one["value"] == NETWORK
    assert statement(one)["coarse"] == ["value"]
    assert "value" not in statement(one).get("made", [])
    assert not any(name.startswith("x_tocsin") for name in one)
    again = trust.verify(redacted.evidence, views.DIRECTORY, now=NOW)
    [plain] = [o for o in again.plain if o["type"] == "ipv4-addr"]
    assert plain["x_tocsin_coarse_value"] == NETWORK
    assert "value" not in plain


def test_who_gets_nothing_of_an_address_gets_nothing_coarse_either():
    redacted = cut(signed(victim()), PLATFORM)
    assert not [o for o in projected(redacted) if o["type"] == "ipv4-addr"]
    assert NETWORK not in str(
        trust.verify(redacted.evidence, views.DIRECTORY, now=NOW).plain
    )


def test_a_coarse_value_goes_on_through_a_second_adapter():
    once = cut(signed(victim()), PEER)
    twice = cut(trust.verify(once.evidence, views.DIRECTORY, now=NOW), PEER)
    assert only(twice, "ipv4-addr")["value"] == NETWORK
    assert statement(only(twice, "ipv4-addr"))["coarse"] == ["value"]


def test_the_day_of_a_time_stands_where_the_policy_says_day():
    seen = new("campaign", first_seen="2026-11-02T13:14:15.123Z", name="Kestrel")
    redacted = cut(signed(seen), CIVIL)
    one = only(redacted, "campaign")
    assert one["first_seen"] == "2026-11-02T00:00:00.000Z"
    assert statement(one)["coarse"] == ["first_seen"]


def test_where_the_exact_value_is_kept_the_coarse_one_is_not_shown_beside_it():
    seen = new("campaign", first_seen="2026-11-02T13:14:15.123Z", name="Kestrel")
    one = only(cut(signed(seen), PEER), "campaign")
    assert one["first_seen"] == "2026-11-02T13:14:15.123Z"
    assert "coarse" not in statement(one)


def test_a_marked_value_gets_no_coarse_one():
    marked = granular(victim(), TLP_IDS[Tlp.GREEN], "value")
    [one] = [o for o in signed(marked).plain if o["type"] == "ipv4-addr"]
    assert "x_tocsin_coarse_value" not in one


@pytest.mark.parametrize("coarse", ["203.0.113.0/16", "198.51.100.0/24", "here", 7])
def test_a_coarse_value_that_does_not_fit_is_not_signed(coarse):
    with pytest.raises(SchemaError) as caught:
        signed(victim(x_tocsin_coarse_value=coarse))
    assert caught.value.reason == "coarse"
