"""Ids: found and replaced wherever they stand, in whatever spelling."""

import time

import pytest

from adapters.ids import Ids, is_mark
from tests.support.views import CLEAR, CORE, new

ONE, OTHER = new("campaign", "one")["id"], new("identity", "other")["id"]
FOREIGN = new("report", "foreign")["id"]
IDS = Ids([ONE, OTHER])


def mentioned(value):
    return list(IDS.mentioned(value))


@pytest.mark.parametrize(
    "value",
    [
        ONE,
        ONE.upper(),
        f"See {ONE}.",
        f"({ONE})",
        f"https://host.example/{ONE}?x=1",
        f"see-{ONE}",  # the prefix makes another type of it
        f"report--{ONE[-36:]}",  # the type is wrong
        ONE[-36:],  # there is no type
        f"a long word before{ONE[-36:].upper()}",
        [["x", {"y": ONE}]],
        {ONE: 1},
        (ONE,),
    ],
)
def test_a_mention_is_found(value):
    assert mentioned(value) == [ONE]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "campaign--",
        7,
        None,
        True,
        1.5,
        ONE[:-1],
        ONE.replace("-", "_"),
        FOREIGN[-36:],
    ],
)
def test_what_is_no_id_is_none(value):
    assert mentioned(value) == []


def test_several_mentions_are_found_in_order():
    text = f"{ONE}{OTHER} and {FOREIGN}, {ONE}"
    assert mentioned(text) == [ONE, OTHER, FOREIGN, ONE]


def test_the_id_of_another_record_is_found_where_it_has_its_type():
    assert mentioned(f"See {FOREIGN.upper()}") == [FOREIGN]


def test_marks_are_found_only_where_they_are_objects_of_the_record():
    assert mentioned([CLEAR, f"under {CLEAR}", CORE]) == []
    assert list(Ids([CLEAR]).mentioned([CLEAR, f"under {CLEAR}"])) == [CLEAR, CLEAR]
    assert is_mark(CLEAR)
    assert is_mark(CORE)
    assert not is_mark(ONE)


def test_a_number_without_type_means_every_object_that_has_it():
    twins = [f"indicator--{ONE[-36:]}", f"observed-data--{ONE[-36:]}"]
    assert list(Ids(twins).mentioned(f"see {ONE[-36:]}")) == sorted(twins)
    assert list(Ids(twins).mentioned(f"see {twins[1]}")) == [twins[1]]


NEW = {ONE: "campaign--00000000-0000-5000-8000-000000000001"}


def renamed(value):
    return IDS.renamed(value, lambda old: NEW.get(old, f"{old[:-36]}{'f' * 36}"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ONE, NEW[ONE]),
        (f"See {ONE}, {ONE.upper()}.", f"See {NEW[ONE]}, {NEW[ONE]}."),
        (f"case {ONE[-36:]}", f"case {NEW[ONE][-36:]}"),
        (f"see-{ONE}", f"see-{NEW[ONE]}"),
        ([{ONE: [ONE]}], [{NEW[ONE]: [NEW[ONE]]}]),
        ((ONE, 7), [NEW[ONE], 7]),
        (f"{OTHER} and {FOREIGN}", f"identity--{'f' * 36} and report--{'f' * 36}"),
        ("nothing", "nothing"),
        ("nothing in a text of more than thirty-six letters",) * 2,
    ],
)
def test_every_mention_is_replaced_and_nothing_else(value, expected):
    assert renamed(value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "a--" * 100_000,
        ("a" * 40 + "--" + ONE[-36:]) * 4_000,
        ONE * 5_000,
    ],
    ids=["letters", "hyphens", "types", "ids"],
)
def test_a_long_text_takes_a_time_that_grows_with_its_length_only(text):
    started = time.process_time()
    mentioned(text)
    assert time.process_time() - started < 2
