"""What issuers are told of who has got their records: no more than each member lets."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.interests import TELLING
from adapters.reports import Taken, parts, told
from broker.delivery_reports import MAX_NAMED, MAX_RECORDS, Named, Reached

ISSUERS = ("cert-aq", "cert-bv")
MEMBERS = ("cert-aq", "cert-bv", "platform-x", "platform-y", "monitor-x")
TOKENS = ("A" * 43, "B" * 43, "C" * 43)

any_taken = st.lists(
    st.builds(
        Taken,
        st.sampled_from(ISSUERS),
        st.sampled_from(TOKENS),
        st.sampled_from(MEMBERS),
        st.floats(0, 2e9),
    ),
    max_size=30,
    unique_by=lambda each: (each.issuer, each.token, each.member),
)
any_consents = st.dictionaries(st.sampled_from(MEMBERS), st.sampled_from(TELLING))


def taken(member="platform-x", token=TOKENS[0], issuer="cert-aq", at=125.9):
    return Taken(issuer, token, member, at)


def test_a_member_is_named_counted_or_left_out_as_it_says():
    some = [taken("platform-x", at=60), taken("platform-y"), taken("monitor-x")]
    says = {"platform-x": "name", "platform-y": "count", "monitor-x": "nothing"}
    assert told(some, says) == {
        "cert-aq": (Reached(TOKENS[0], 2, 120, (Named("platform-x", 60),)),)
    }


def test_of_a_member_that_is_not_known_nothing_is_told():
    assert told([taken()], {}) == {}


def test_an_issuers_own_copy_counts_as_nobodys():
    assert told([taken("cert-aq")], {"cert-aq": "name"}) == {}


def test_each_issuer_is_told_of_its_own_records_alone():
    some = [taken(), taken(token=TOKENS[1], issuer="cert-bv")]
    found = told(some, {"platform-x": "count"})
    assert {name: [each.token for each in of] for name, of in found.items()} == {
        "cert-aq": [TOKENS[0]],
        "cert-bv": [TOKENS[1]],
    }


@given(any_taken, any_consents)
def test_what_an_issuer_is_told_never_contains_a_member_that_did_not_consent(
    some, consents
):
    found = told(some, consents)
    for issuer, reached in found.items():
        for each in reached:
            got = {
                t.member for t in some if (t.issuer, t.token) == (issuer, each.token)
            }
            named = {one.org for one in each.named}
            assert named == {
                org for org in got - {issuer} if consents.get(org) == "name"
            }
            counted = {
                org for org in got - {issuer} if consents.get(org) in ("name", "count")
            }
            assert each.members == len(counted)
    silent = {org for org in MEMBERS if consents.get(org, "nothing") == "nothing"}
    assert not any(
        org.encode() in msgspec.json.encode([*found.values()]) for org in silent
    )


@given(any_taken, any_consents)
def test_who_says_nothing_changes_nothing_of_what_is_told(some, consents):
    silent = {org for org in MEMBERS if consents.get(org, "nothing") == "nothing"}
    others = [each for each in some if each.member not in silent]
    assert told(some, consents) == told(others, consents)


@given(any_taken, any_consents)
def test_times_are_those_of_whole_minutes(some, consents):
    for reached in told(some, consents).values():
        for each in reached:
            assert not any(at % 60 for at in (each.at, *(n.at for n in each.named)))


def reached(count, names=0):
    named = tuple(Named(f"m-{n}", 60) for n in range(names))
    return [Reached(TOKENS[0], names + 1, 60, named) for _ in range(count)]


def test_a_report_holds_a_bounded_number_of_records_and_of_names():
    assert [len(each) for each in parts(reached(MAX_RECORDS * 2 + 1))] == [100, 100, 1]
    assert [len(each) for each in parts(reached(5, names=MAX_NAMED // 2))] == [2, 2, 1]
    assert [len(each) for each in parts(reached(2, names=MAX_NAMED))] == [1, 1]
    assert [*parts([])] == []


def test_of_more_names_than_fit_the_first_are_told_and_all_are_counted():
    some = [taken(f"m-{n:05}") for n in range(MAX_NAMED + 5)]
    [[found]] = told(some, {each.member: "name" for each in some}).values()
    assert (found.members, len(found.named)) == (MAX_NAMED + 5, MAX_NAMED)
