"""Pseudonyms: stable in a period, unrelated in two, none without a key."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.projection import Author
from adapters.pseudonyms import (
    NONE,
    PseudonymKeys,
    Pseudonyms,
    is_pseudonym,
    outlived,
    period_of,
    periods_kept,
)
from broker.directory import DEFAULT_CLEARANCE
from schemas import timestamps

KEY = b"k" * 32
THIS = Pseudonyms("2026-Q4", KEY)
LENGTHS = ("month", "quarter", "year")

audiences = st.sampled_from(sorted(DEFAULT_CLEARANCE))
lengths = st.sampled_from(LENGTHS)
moments = st.integers(0, int(timestamps.epoch("2999-12-31T00:00:00Z")))
values = st.text(min_size=1)


def at(text):
    return timestamps.epoch(text)


@given(audiences, values, values)
def test_a_pseudonym_is_stable_and_says_nothing(audience, value, other):
    found = THIS.of(audience, "identity", value)
    assert found == THIS.of(audience, "identity", value)
    assert found.startswith("identity-")
    assert len(found) == len("identity-") + 12
    if value.casefold() == other.casefold():
        assert found == THIS.of(audience, "identity", other)


@given(
    audiences, st.text("abcdefgh ABCDEFGH ÀÉÎÕÜ àéîõü ЖЩЪ жщъ ΑΒΩ αβω ß", min_size=1)
)
def test_the_same_value_is_the_same_in_one_period_whatever_its_case(audience, value):
    made = {
        THIS.of(audience, "identity", spelled)
        for spelled in (value, value.upper(), value.lower(), value.casefold())
    }
    assert len(made) == 1


@given(audiences, values)
def test_what_is_folded_is_folded_again_alike(audience, value):
    folded = value.casefold()
    assert THIS.of(audience, "text", folded) == THIS.of(audience, "text", value)


def test_a_letter_composed_or_not_is_the_same_letter():
    composed, parted = "Jos\u00e9", "Jose\u0301"
    assert THIS.of("platform", "identity", composed) == THIS.of(
        "platform", "identity", parted
    )


@given(audiences, audiences, values)
def test_two_audiences_never_share_a_pseudonym(one, other, value):
    assume(one != other)
    assert THIS.of(one, "identity", value) != THIS.of(other, "identity", value)


@given(audiences, lengths, moments, moments, values)
def test_two_periods_never_share_a_pseudonym(audience, length, one, other, value):
    names = period_of(one, length), period_of(other, length)
    assume(names[0] != names[1])
    # Not even where one file was copied to the name of another period.
    made = [Pseudonyms(name, KEY).of(audience, "identity", value) for name in names]
    assert made[0] != made[1]


def test_a_pseudonym_is_another_under_another_key_or_type():
    made = {
        THIS.of("platform", "identity", "Ilvara"),
        Pseudonyms("2026-Q4", b"x" * 32).of("platform", "identity", "Ilvara"),
        THIS.of("platform", "channel", "Ilvara"),
    }
    assert len(made) == 3


@pytest.mark.parametrize("value", [7, None, ["x"], {"x": 1}])
def test_only_texts_have_pseudonyms(value):
    assert THIS.of("platform", "identity", value) is None


@pytest.mark.parametrize("gone", [NONE, Pseudonyms("2025-Q1", b"")])
def test_without_its_key_a_period_has_no_pseudonyms(gone):
    assert gone.of("platform", "identity", "Ilvara") is None


@given(values)
def test_a_pseudonym_is_known_by_its_form(value):
    made = THIS.of("platform", "user-account", value)
    assert is_pseudonym("user-account", made)
    assert not is_pseudonym("user", made)
    assert not is_pseudonym("user-account", f"{made} ")


@pytest.mark.parametrize(
    "value", ["an organisation", "identity-", "2026-01-01T00:00:00Z", 12, {"a": 1}]
)
def test_other_made_values_are_no_pseudonyms(value):
    assert not is_pseudonym("identity", value)


# ----------------------------------------------------------------------------- periods


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        ("2026-01-01T00:00:00Z", ("2026-01", "2026-Q1", "2026")),
        ("2026-03-31T23:59:59Z", ("2026-03", "2026-Q1", "2026")),
        ("2026-04-01T00:00:00Z", ("2026-04", "2026-Q2", "2026")),
        ("2026-12-31T23:59:59Z", ("2026-12", "2026-Q4", "2026")),
    ],
)
def test_a_period_begins_with_a_month_of_utc(moment, names):
    assert tuple(period_of(at(moment), length) for length in LENGTHS) == names


@pytest.mark.parametrize(
    ("now", "length", "count", "kept"),
    [
        ("2026-11-22T00:00:00Z", "quarter", 2, ("2026-Q3", "2026-Q4")),
        ("2026-02-01T00:00:00Z", "quarter", 3, ("2025-Q3", "2025-Q4", "2026-Q1")),
        ("2026-01-15T00:00:00Z", "month", 2, ("2025-12", "2026-01")),
        ("2026-07-01T00:00:00Z", "year", 2, ("2025", "2026")),
        # The gate's clock may be two minutes ahead, in the period that is next.
        ("2026-12-31T23:59:30Z", "quarter", 2, ("2026-Q3", "2026-Q4", "2027-Q1")),
    ],
)
def test_the_last_periods_are_kept_and_the_next_one_when_it_is_near(
    now, length, count, kept
):
    assert periods_kept(at(now), length, count) == kept


@given(moments, lengths, st.integers(2, 20))
def test_what_was_just_seen_is_in_a_period_that_is_kept(now, length, count):
    kept = periods_kept(now, length, count)
    assert period_of(now, length) in kept
    assert period_of(now + 120, length) in kept
    assert outlived(kept, kept) == []
    keys = PseudonymKeys(length, dict.fromkeys(kept, KEY))
    assert keys.last_until(now)


def test_what_ended_before_all_that_is_kept_is_outlived_whatever_its_length():
    names = ["2026-Q2", "2026-06", "2026-07", "2025", "2026", "notes.txt", "2026-13"]
    assert outlived(names, ("2026-Q3", "2026-Q4")) == ["2025", "2026-06", "2026-Q2"]


def test_a_record_has_the_pseudonyms_of_when_it_was_first_seen():
    keys = PseudonymKeys("quarter", {"2026-Q3": b"3" * 32, "2026-Q4": KEY})
    assert keys.at(at("2026-09-30T23:59:59Z")) == Pseudonyms("2026-Q3", b"3" * 32)
    assert keys.at(at("2026-10-01T00:00:00Z")) == THIS
    assert keys.at(at("2026-06-30T00:00:00Z")) == Pseudonyms("2026-Q2", b"")
    assert keys.last_until(at("2026-12-31T23:57:59Z"))
    assert not keys.last_until(at("2026-12-31T23:58:00Z"))


def test_no_key_shows_in_a_repr():
    secret = b"\x07secret-key-of-a-period-----------"
    keys = PseudonymKeys("quarter", {"2026-Q4": secret})
    author = Author(org="hub", name="Hub", id_key=secret, pseudonyms=keys.at(0))
    author = msgspec.structs.replace(author, pseudonyms=Pseudonyms("2026-Q4", secret))
    shown = repr([keys, author, author.pseudonyms])
    assert shown == (
        "[PseudonymKeys(2026-Q4), Author(org='hub'), Pseudonyms('2026-Q4')]"
    )
