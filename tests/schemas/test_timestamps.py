"""Timestamps: read exactly, refused when unclear, compared to the nanosecond."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import timestamps
from schemas.errors import SchemaError

seconds = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
instants = st.builds(timestamps.Instant, seconds, st.integers(0, 999_999_999))


@given(instants, st.integers(0, 9))
def test_a_rendered_moment_reads_back_as_itself(instant, digits):
    assert timestamps.parse(timestamps.render(instant, digits=digits)) == instant


@given(instants, instants, st.integers(0, 9), st.integers(0, 9))
def test_keys_sort_as_moments_do_however_they_are_spelled(a, b, digits_a, digits_b):
    left = timestamps.render(a, digits=digits_a)
    right = timestamps.render(b, digits=digits_b)
    assert (timestamps.key(left) < timestamps.key(right)) == (a < b)
    assert timestamps.compare(left, right) == (a > b) - (a < b)


def test_two_spellings_of_one_moment_are_the_same():
    assert timestamps.compare("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z") == 0
    assert timestamps.key("2026-01-02T03:04:05.1Z") == "2026-01-02T03:04:05.100000000Z"


def test_one_nanosecond_makes_a_later_version():
    early, late = "2026-01-02T03:04:05.999999998Z", "2026-01-02T03:04:05.999999999Z"
    assert timestamps.compare(early, late) == -1
    assert timestamps.compare(late, early) == 1


def test_a_longer_fraction_is_not_taken_for_a_later_time():
    # as text, "…05.5Z" sorts after "…05.49Z" but "…05Z" after "…05.5Z"
    assert timestamps.compare("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z") == -1


def test_rendering_keeps_three_digits_and_loses_none():
    second = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (
        timestamps.render(timestamps.Instant(second, 0)) == "2026-01-02T03:04:05.000Z"
    )
    exact = timestamps.Instant(second + timedelta(days=1), 123_456_700)
    assert timestamps.render(exact) == "2026-01-03T03:04:05.1234567Z"
    assert (
        timestamps.render(timestamps.Instant(second, 0), digits=0)
        == "2026-01-02T03:04:05Z"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05z",
        "2026-01-02t03:04:05Z",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.0123456789Z",
        "2026-02-30T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T23:59:60Z",
        "0000-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        " 2026-01-02T03:04:05Z",
        "٢٠٢٦-01-02T03:04:05Z",
        "12026-01-02T03:04:05Z",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(SchemaError) as caught:
        timestamps.parse(text)
    assert caught.value.reason == "bad-property"


@given(st.text())
def test_arbitrary_text_raises_only_our_error_and_is_never_quoted(text):
    try:
        outcome = str(timestamps.parse(text).nanosecond)
    except SchemaError as error:
        outcome = str(error)
    assert outcome == "bad-property" or outcome.isdigit()


@given(st.floats(0, 4e9))
def test_epoch_seconds_come_back_to_the_millisecond(seconds):
    again = timestamps.epoch(timestamps.from_epoch(seconds))
    assert abs(again - seconds) <= 0.0011


def test_a_fraction_counts_in_epoch_seconds():
    assert timestamps.epoch("1970-01-02T00:00:00.25Z") == 86_400.25


@pytest.mark.parametrize(
    ("grain", "cut"),
    [
        ("exact", "2026-01-02T03:04:05.6Z"),
        ("hour", "2026-01-02T03:00:00.000Z"),
        ("day", "2026-01-02T00:00:00.000Z"),
    ],
)
def test_a_moment_is_cut_to_its_hour_or_day(grain, cut):
    assert timestamps.truncate("2026-01-02T03:04:05.6Z", grain) == cut


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-02T08:15:00Z", "2026-11-02T08:15:00Z"),
        ("2026-11-02T08:15:00.000000Z", "2026-11-02T08:15:00.000000Z"),
        ("2026-11-02 08:15:00z", "2026-11-02T08:15:00Z"),
        ("2026-11-02t08:15:00.5+02:00", "2026-11-02T06:15:00.5Z"),
        ("2026-11-02T08:15:00.120-01:30", "2026-11-02T09:45:00.120Z"),
        ("2026-12-31T23:59:59-00:01", "2027-01-01T00:00:59Z"),
        ("2026-11-02T08:15:00.1234567899Z", "2026-11-02T08:15:00.123456789Z"),
    ],
)
def test_a_moment_of_any_offset_is_written_in_utc(text, written):
    assert timestamps.utc(text) == written
    assert timestamps.utc(written) == written


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-11-02", "2026-11-02T08:15:00", "2026-11-02T08:15Z",
        "2026-02-30T08:15:00Z", "2026-11-02T08:15:60Z", "2026-11-02T08:15:00.Z",
        "2026-11-02T08:15:00123Z", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:00:00-01:00", "2026-11-02T08:15:00Z\n",
        "2026-11-02T08:15:00+24:00", "٢٠٢٦-11-02T08:15:00Z",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_none(text):
    assert timestamps.utc(text) is None
