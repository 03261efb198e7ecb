"""Numbering: what is stored, what is known, what came too late. No database."""

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.delivery import StoreOutcome
from adapters.numbering import (
    Known,
    assign,
    case_of,
    continued,
    delivery_id,
    lane_of,
    supplement_in,
    version_key,
)
from schemas import timestamps
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
NOTHING = Known(last_numbers={}, newest={}, versions=frozenset())

rows = st.lists(
    st.builds(
        lambda member, sub, second: new_delivery(
            member=member, sub=sub, ver=f"2026-01-02T03:04:0{second}Z"
        ),
        st.sampled_from(["ngo-a", "ngo-b"]),
        st.sampled_from(["incident--1", "incident--2"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


def known_from(numbered):
    """What the outbox would hold after storing *numbered*."""
    stored = [n for n in numbered if n.outcome is StoreOutcome.STORED]
    return Known(
        last_numbers={lane_of(n.row): n.number for n in stored},
        newest={case_of(n.row): n.ver_key for n in stored},
        versions={(case_of(n.row), n.ver_key) for n in stored},
    )


@given(rows)
def test_the_numbers_of_each_lane_have_no_gaps(rows):
    numbers = {}
    for item in assign(rows, NOTHING, now=NOW):
        if item.outcome is StoreOutcome.STORED:
            numbers.setdefault(lane_of(item.row), []).append(item.number)
        else:
            assert item.number == 0
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@given(rows)
def test_the_versions_of_a_case_are_stored_in_their_order(rows):
    newest = {}
    for item in assign(rows, NOTHING, now=NOW):
        if item.outcome is StoreOutcome.STORED:
            assert item.ver_key > newest.get(case_of(item.row), "")
            newest[case_of(item.row)] = item.ver_key


@given(rows, st.integers(0, 30))
def test_it_does_not_matter_how_rows_are_split_into_calls(rows, cut):
    first = assign(rows[:cut], NOTHING, now=NOW)
    second = assign(rows[cut:], known_from(first), now=NOW)
    assert [n.outcome for n in first + second] == [
        n.outcome for n in assign(rows, NOTHING, now=NOW)
    ]


@given(rows)
def test_storing_everything_again_stores_nothing(rows):
    first = assign(rows, NOTHING, now=NOW)
    again = assign(rows, known_from(first), now=NOW)
    assert StoreOutcome.STORED not in {n.outcome for n in again}


def test_what_interests_miss_gets_no_number_and_leaves_no_gap():
    wanted, other = "incident--1", "incident--2"
    rows = [
        new_delivery(sub=wanted),
        new_delivery(sub=other, missed="interest-country"),
        new_delivery(sub=other),
    ]
    found = assign(rows, NOTHING, now=NOW)
    assert [n.outcome for n in found] == ["stored", "missed", "stored"]
    assert [n.number for n in found] == [1, 0, 2]


def test_a_new_version_of_what_is_held_comes_though_interests_miss_it():
    first = new_delivery(ver="2026-01-02T03:04:05Z")
    later = new_delivery(ver="2026-01-02T03:04:06Z", missed="interest-country")
    assert [n.outcome for n in assign([first, later], NOTHING, now=NOW)] == [
        "stored",
        "stored",
    ]
    held = known_from(assign([first], NOTHING, now=NOW))
    assert [n.outcome for n in assign([later], held, now=NOW)] == ["stored"]
    both = known_from(assign([first, later], NOTHING, now=NOW))
    assert [n.outcome for n in assign([later], both, now=NOW)] == ["duplicate"]
    older = new_delivery(ver="2026-01-02T03:04:04Z", missed="interest-country")
    assert [n.outcome for n in assign([older], held, now=NOW)] == ["superseded"]


def test_the_same_moment_spelled_otherwise_is_a_duplicate():
    spelled = [new_delivery(ver=f"2026-01-02T03:04:05{end}") for end in ("Z", ".0Z")]
    assert [n.outcome for n in assign(spelled, NOTHING, now=NOW)] == [
        "stored",
        "duplicate",
    ]


@given(st.integers(0, 99_999))
def test_a_version_tells_which_supplement_it_is(count):
    assert supplement_in(version_key(new_delivery(supplement=count))) == count


def test_the_id_is_the_same_for_the_same_version_and_no_other():
    key = timestamps.key("2026-01-02T03:04:05Z")
    case = ("ngo-a", "mail", "cert-aq", "incident--1")
    assert delivery_id(case, key) == delivery_id(case, key)
    others = [
        (("ngo-b", *case[1:]), key),
        (("ngo-", "amail", *case[2:]), key),  # the parts do not run together
        (case, timestamps.key("2026-01-02T03:04:06Z")),
    ]
    ids = {delivery_id(case, key), *(delivery_id(*other) for other in others)}
    assert len(ids) == 4
    assert all(re.fullmatch(r"d-[a-z2-7]{32}", found) for found in ids)


# ----------------------------------------------------------------------------- waiting


SOON = NOW + 100
delayed = st.lists(
    st.builds(
        lambda sub, second, wait, kind: new_delivery(
            sub=sub,
            ver=f"2026-01-02T03:04:0{second}Z",
            kind=kind,
            not_before=NOW + 100 * wait,
        ),
        st.sampled_from(["incident--1", "incident--2"]),
        st.integers(0, 5),
        st.integers(-1, 1),
        st.sampled_from(["incident", "incident", "retraction"]),
    ),
    max_size=30,
)


def outcomes(*rows, known=NOTHING, now=NOW):
    return [n.outcome for n in assign(rows, known, now=now)]


def row(second, **changes):
    return new_delivery(ver=f"2026-01-02T03:04:0{second}Z", **changes)


@given(delayed)
def test_what_waits_has_no_number_and_of_each_case_one_version_waits(rows):
    waiting, numbers = {}, []
    for item in assign(rows, NOTHING, now=NOW):
        if item.outcome is StoreOutcome.STORED:
            numbers.append(item.number)
        else:
            assert item.number == 0
        if item.outcome is StoreOutcome.WAITING:
            assert item.row.not_before > NOW
            assert item.row.kind != "retraction"
            assert case_of(item.row) not in waiting
            waiting[case_of(item.row)] = item.ver_key
    assert numbers == list(range(1, len(numbers) + 1))
    for item in assign(rows, NOTHING, now=NOW):
        if item.outcome is StoreOutcome.STORED:
            # A newer one that is sent leaves no older one waiting.
            assert waiting.get(case_of(item.row), "9") > item.ver_key


def test_a_version_waits_for_its_time_and_not_when_that_is_over():
    assert outcomes(row(1, not_before=SOON)) == ["waiting"]
    assert outcomes(row(1, not_before=SOON), now=SOON) == ["stored"]


def test_a_newer_version_takes_the_place_of_one_that_waits():
    rows = row(1, not_before=SOON), row(2, not_before=SOON + 1)
    assert outcomes(*rows) == ["superseded", "waiting"]
    assert outcomes(rows[0], row(2)) == ["superseded", "stored"]


def test_a_retraction_of_what_was_never_sent_is_never_sent():
    over = row(2, kind="retraction", not_before=SOON)
    assert outcomes(over) == ["superseded"]
    assert outcomes(row(1, not_before=SOON), over) == ["superseded", "superseded"]
    # What it took back comes late: still nothing.
    assert outcomes(over, row(1, not_before=SOON)) == ["superseded", "superseded"]


def test_a_retraction_for_who_may_not_have_it_follows_what_was_sent_alone():
    over = row(3, kind="retraction", missed="tlp-clearance")
    waits, sent = row(1, not_before=SOON), row(2)
    assert outcomes(over) == ["missed"]
    assert outcomes(waits, over) == ["superseded", "superseded"]
    assert outcomes(sent, over) == ["stored", "stored"]


def test_a_retraction_of_what_was_sent_does_not_wait():
    over = row(3, kind="retraction", not_before=SOON)
    assert outcomes(row(1), over) == ["stored", "stored"]
    assert outcomes(row(1), row(2, not_before=SOON), over) == [
        "stored", "superseded", "stored",
    ]  # fmt: skip
    case = case_of(over)
    known = Known(
        last_numbers={lane_of(over): 7}, newest={}, versions=set(), begun={case}
    )
    (item,) = assign([over], known, now=NOW)
    assert (item.outcome, item.number) == ("stored", 8)


def test_a_version_that_is_not_wanted_replaces_one_that_waits_and_waits_itself():
    first, later = (row(n, not_before=SOON) for n in (1, 2))
    unwanted = msgspec.structs.replace(later, missed="interest-country")
    assert outcomes(unwanted) == ["missed"]
    assert outcomes(first, unwanted) == ["superseded", "waiting"]


@given(st.lists(st.integers(1, 3)), st.integers(0, 9))
def test_what_has_waited_goes_on_with_the_numbers_of_its_lane(lanes, last):
    found = continued(lanes, dict.fromkeys((1, 2, 3), last))
    for lane in (1, 2, 3):
        own = [n for at, n in zip(lanes, found, strict=True) if at == lane]
        assert own == list(range(last + 1, last + 1 + len(own)))
