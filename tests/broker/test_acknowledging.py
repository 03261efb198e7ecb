"""Acknowledgements: who signed, who is named and silent, and how many more are silent."""

from msgspec.structs import replace

from broker import acknowledging, answers
from broker.acknowledging import Acknowledged
from broker.answers import Sighting, Taken
from broker.feedback_kept import Kept, Told
from tests.support.issuing import NOW, directory, key_entry, member, signer
from tests.support.records import an_id, sha

TOKEN = sha(b"a token")
HOUR_S = 3600
KNOWN = directory(member("platform-x"))


def kept(about, by="cert-bv", came_at=NOW):
    made = answers.make(
        about, token=TOKEN, sub=an_id("incident"), signer=signer(by), now=int(NOW)
    )
    return Kept(1, answers.message(made, "cert-aq", signer(by)), came_at)


def signed(org, at=NOW):
    return Acknowledged(org, int(at), at, "acknowledged", b"")


def standing(told, *some, now=NOW + 25 * HOUR_S, within_s=24 * HOUR_S):
    return acknowledging.standing(told, some, now=now, within_s=within_s)


def test_a_word_or_a_deed_acknowledges_a_sighting_does_not():
    some = [kept(Taken("acknowledged")), kept(Taken("removed", 3)), kept(Sighting(2))]
    found = acknowledging.acknowledgements(some, KNOWN)
    assert [each.action for each in found[TOKEN]] == ["acknowledged", "removed"]
    first = found[TOKEN][0]
    assert (first.org, first.at, first.came_at) == ("cert-bv", NOW, NOW)
    assert first.proof == some[0].message.body


def test_what_is_not_signed_by_its_sender_acknowledges_nothing():
    forged = kept(Taken("acknowledged"))
    forged = replace(forged, message=replace(forged.message, user_id="platform-x"))
    assert acknowledging.acknowledgements([forged], KNOWN) == {}


def test_a_key_that_was_revoked_since_has_signed_it():
    entry = key_entry("cert-bv", revoked_at="2026-03-02T00:00:00Z")
    known = directory(member("cert-bv", keys=(entry,)))
    assert acknowledging.acknowledgements([kept(Taken("acknowledged"))], known)
    late = kept(Taken("acknowledged"), came_at=NOW + 48 * HOUR_S)
    assert acknowledging.acknowledgements([late], known) == {}


def test_who_is_named_and_has_not_signed_in_time_is_overdue():
    told = Told(2, int(NOW), {"cert-bv": int(NOW), "platform-x": int(NOW)})
    how = standing(told, signed("cert-bv"))
    assert (how.overdue, how.overdue_unnamed, how.is_overdue) == (
        ("platform-x",), 0, True,
    )  # fmt: skip
    assert not standing(told, signed("cert-bv"), now=NOW + HOUR_S).is_overdue


def test_each_has_the_time_from_when_its_own_system_took_it():
    told = Told(
        2,
        int(NOW + HOUR_S * 20),
        {"cert-bv": int(NOW), "platform-x": int(NOW + HOUR_S * 20)},
    )
    assert standing(told).overdue == ("cert-bv",)


def test_of_those_that_are_only_counted_a_number_is_overdue():
    told = Told(4, int(NOW), {"cert-bv": int(NOW)})
    how = standing(told, signed("platform-x"))
    assert (how.overdue, how.overdue_unnamed) == (("cert-bv",), 2)
    assert standing(told, now=NOW + HOUR_S).overdue_unnamed == 0


def test_who_signs_and_was_never_reported_makes_nobody_else_less_than_none():
    how = standing(Told(), signed("cert-bv"), signed("platform-x"))
    assert (how.overdue_unnamed, len(how.acknowledged)) == (0, 2)


def test_the_first_answer_of_a_member_is_what_counts():
    how = standing(Told(), signed("cert-bv"), signed("cert-bv", NOW + 60))
    assert [each.at for each in how.acknowledged] == [NOW]
