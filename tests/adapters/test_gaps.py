"""What a member is told of the records that a heartbeat lists."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cli.load import load_policy
from adapters.delivery import KnownTokens
from adapters.gaps import account, admits, delivery, due, in_words
from broker.heartbeats import Heard, Heartbeat, Listed, Passed, chained
from broker.sdjwt import digest
from tests.support.issuing import member

NAMES = [digest(str(i).encode()) for i in range(12)]
NOTHING = KnownTokens(frozenset(), frozenset())
PRESS = "urn:tocsin:community:press"
ALL = "urn:tocsin:community:all"


def passed(
    listed: list[Listed],
    *,
    lacks: tuple[str, ...] = (),
    tlp: str = "GREEN",
    community: str = ALL,
) -> Passed:
    ids = tuple(listed)
    beat = Heartbeat(
        iss="urn:tocsin:org:cert-aq", iat=1000, line="A" * 22, community=community,
        tlp=tlp, count=len(ids), before="", ids=ids,
        hash=chained("", [each.token_id for each in ids]),
    )  # fmt: skip
    heard = Heard(iss="urn:tocsin:org:hub", heartbeat=digest(b"h"), seen=1, lacks=lacks)
    return Passed("cert-aq", beat, heard, b"beat", b"heard")


sets = st.sets(st.sampled_from(NAMES))


@given(st.lists(st.sampled_from(NAMES), unique=True), sets, sets, sets, sets)
def test_every_listed_record_is_in_one_place_of_the_account(
    names: list[str], have: set[str], missing: set[str], lacks: set[str], old: set[str]
) -> None:
    listed = [Listed(each, 5 if each in old else 10) for each in names]
    told = passed(listed, lacks=tuple(lacks))
    replaced = have & old
    known = KnownTokens(frozenset(have - old), frozenset(replaced))
    found = account(told, known=known, missing=missing - have, began=10, unlisted=3)
    assert set(found.replaced) == set(names) & replaced
    gone = {each.token_id for each in found.missing}
    assert gone == set(names) & (missing - have)
    assert set(found.withheld) == set(names) - have - missing - lacks - old
    assert set(found.not_taken) == (set(names) & lacks) - have - missing
    parts = (
        found.withheld, found.missing, found.not_taken, found.replaced, found.earlier,
    )  # fmt: skip
    assert found.have + sum(map(len, parts)) == len(names)
    assert found.unlisted == 3


def test_due_is_what_was_published_since_then_and_neither_came_nor_was_refused() -> (
    None
):
    listed = [
        Listed(each, at) for each, at in zip(NAMES, (9, 10, 11, 12), strict=False)
    ]
    found = due(listed, received=[NAMES[2]], lacks=[NAMES[3]], began=10)
    assert found == (listed[1],)


@pytest.mark.parametrize(
    ("audience", "clearance", "tlp", "may"),
    [
        ("peer-cert", "AMBER", "AMBER", True),
        ("peer-cert", "GREEN", "AMBER", False),
        ("peer-cert", "AMBER+STRICT", "AMBER+STRICT", False),  # only who is addressed
        ("platform", "AMBER", "AMBER", False),  # only who is affected
        ("platform", "GREEN", "GREEN", True),
        ("civil-society", "GREEN", "GREEN", True),
        ("civil-society", "GREEN", "CLEAR", True),
        ("research", "GREEN", "GREEN", False),  # 30 days later
        ("public", "CLEAR", "GREEN", False),
    ],
)
def test_a_member_hears_of_a_marking_if_it_gets_every_record_of_it(
    audience: str, clearance: str, tlp: str, may: bool
) -> None:
    one = member("cert-cw", audience=audience, clearance=clearance)
    assert admits(load_policy(None), one, passed([], tlp=tlp).beat) is may


def test_a_member_hears_only_of_its_communities() -> None:
    policy, beat = load_policy(None), passed([], community=PRESS).beat
    assert not admits(policy, member("cert-cw"), beat)
    assert admits(policy, member("cert-cw", communities=(PRESS,)), beat)


def test_who_practises_hears_of_no_records() -> None:
    policy, beat = load_policy(None), passed([]).beat
    assert admits(policy, member("cert-cw"), beat)
    assert not admits(policy, member("cert-cw", exercise=True), beat)


def test_a_delivery_holds_both_signed_texts_and_the_account_in_words() -> None:
    told = passed([Listed(NAMES[0], 10), Listed(NAMES[1], 9)])
    found = account(told, known=NOTHING, missing=NAMES[:2], began=0, unlisted=0)
    row = delivery(told, found, member("platform-x", audience="platform"), "files")
    assert (row.evidence, row.receipt, row.kind) == (b"beat", b"heard", "heartbeat")
    said = json.loads(row.projection)
    assert said == in_words(told, found)
    assert said["missing"] == NAMES[:2]
    assert said["missing_since"] == "1970-01-01T00:00:09.000Z"
    nothing = account(
        told,
        known=KnownTokens(frozenset(NAMES), frozenset()),
        missing=(),
        began=0,
        unlisted=0,
    )
    assert in_words(told, nothing)["missing_since"] is None


def test_a_line_is_one_case_for_a_sink() -> None:
    one, other = passed([]), passed([], tlp="AMBER")
    found = account(one, known=NOTHING, missing=(), began=0, unlisted=0)
    rows = [delivery(p, found, member("cert-cw"), "files") for p in (one, one, other)]
    assert len({each.sub for each in rows}) == 1  # the line has one name
    assert rows[0].sub.startswith("heartbeat--")
