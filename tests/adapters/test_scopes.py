"""Scopes: what a member first had decides, for ever."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.scopes import Scopes, about, received
from tests.support.views import INCIDENT, MALWARE, new, signed

AUDIENCES = ("peer-cert", "platform", "civil-society")
names = st.sampled_from(["a", "b", "c"])
rows = st.lists(st.tuples(names, names, names, st.sampled_from(AUDIENCES)))


@given(rows, names, names, names, st.sampled_from(AUDIENCES))
def test_what_a_member_has_of_the_record_decides(rows, member, issuer, sub, now):
    # Of one record a member has one scope.
    rows = {row[:3]: row for row in rows}
    found = received(rows.values()).of(member, issuer, sub, otherwise=now)
    row = rows.get((member, issuer, sub))
    assert found == (row[3] if row else now)


def test_what_a_record_is_about_decides_where_the_member_has_nothing_of_it():
    known = received(
        [("m", "x", "old", "platform"), ("m", "w", "old", "civil-society")]
    )
    asked = ("m", "z", "opinion")
    assert known.of(*asked, ("none", "old"), otherwise="peer-cert") == "civil-society"
    assert known.of(*asked, ("none",), otherwise="peer-cert") == "peer-cert"
    assert known.of("n", *asked[1:], ("old",), otherwise="peer-cert") == "peer-cert"
    own = received([("m", "z", "opinion", "research"), ("m", "x", "old", "platform")])
    assert own.of(*asked, ("old",), otherwise="peer-cert") == "research"


def test_without_anything_received_the_audience_of_now_is_the_scope():
    assert Scopes().of("m", "x", "s", ("o",), otherwise="platform") == "platform"


def test_a_record_is_about_what_it_names_and_does_not_hold():
    opinion = new("opinion", object_refs=[INCIDENT["id"], MALWARE["id"]])
    assert about(signed(opinion)) == tuple(sorted([INCIDENT["id"], MALWARE["id"]]))
    report = new("report", object_refs=[MALWARE["id"]])
    assert about(signed(report, MALWARE)) == ()
