"""A reading: what all views of a record need, and nothing that differs between them."""

import pytest

from adapters import text
from adapters.reading import Reading
from adapters.spelled import Forms, Spelled
from tests.support.views import (
    CIVIL,
    INCIDENT,
    MALWARE,
    PEER,
    SAMPLES,
    VIEWS,
    cut,
    new,
    only,
    sample,
    signed,
)  # fmt: skip

HERE = (0, ("name",))
THERE = (1, ("labels",))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reading_serves_all_views_and_changes_nothing(name):
    verified = sample(name)
    reading = Reading(verified)
    for to in (*VIEWS.values(), *VIEWS.values()):
        shared, alone = cut(verified, to, reading=reading), cut(verified, to)
        assert (shared.evidence, shared.cuts) == (alone.evidence, alone.cuts)
        assert shared.projection == alone.projection


def test_the_name_of_a_property_may_hold_an_id_that_is_renamed_like_all():
    odd = new("incident", **{f"x-{MALWARE['id']}": 7})
    assert MALWARE["id"] not in cut(signed(odd, MALWARE), PEER).projection.decode()
    assert only(cut(signed(INCIDENT, MALWARE), CIVIL), "malware")["id"] != MALWARE["id"]


@pytest.mark.parametrize(
    "written",
    [
        ["Ilvara", "Temcott"],
        ["[", ".]", "b [dot] c"],
        ["&amp", ";x", "%4", "1"],
        ["a\0b", "C"],
        ["100%00 sure", "Yes"],
        ["Élan", "PLAIN", "&commat;"],
    ],
)
def test_texts_that_are_folded_at_once_do_not_touch_one_another(written):
    spots = [(i, ("name",)) for i in range(len(written))]
    spelled = Spelled(zip(spots, written, strict=True))
    folded = [spelled.form(slot).folded for slot in range(len(written))]
    assert folded == [text.normalise(each) for each in written]
    assert folded == [Forms.of(each).folded for each in written]


def test_a_word_is_found_in_each_text_once_and_never_across_two():
    spelled = Spelled([(HERE, "abc abc"), (THERE, ["d", "xabc"])])
    assert list(spelled.holding("abc")) == [0, 1]
    assert list(spelled.holding("c\0d")) == [0]  # a suspect only, looked at again
    assert list(spelled.holding("zz")) == []
    assert spelled.spots == [HERE, THERE]


def test_ids_times_and_truths_are_no_texts():
    values = [MALWARE["id"], "2026-02-03T04:05:06.789Z", True, [], ""]
    assert Spelled((HERE, value) for value in values).slots == {}
