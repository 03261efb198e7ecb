"""Objects looked at together: what is found once for all of them."""

import pytest

from schemas import profile, stix
from schemas.common_words import COMMON, uncommon
from schemas.stix.columns import Objects, filled, present, together
from schemas.stix.relationships import Relationship
from schemas.stix.threats import Indicator, Malware
from tests.support.records import an_id


def thing(kind: str, number: int, **properties: object) -> dict[str, object]:
    return {"type": kind, "id": an_id(kind, number), **properties}


def some(*plain: dict[str, object]) -> Objects:
    return Objects(map(stix.decode_object, plain))


def test_their_positions_are_known_by_type_and_come_in_order() -> None:
    found = some(thing("malware", 1), thing("indicator", 2), thing("malware", 3))
    assert found.by_type == {Malware: [0, 2], Indicator: [1]}
    assert found.at({Indicator, Malware, Relationship}) == [0, 1, 2]
    assert Objects(()).at({Malware}) == []


def test_they_are_put_together_once_and_equal_a_tuple() -> None:
    found = some(thing("malware", 1))
    assert together(found) is found
    assert together(tuple(found)) == tuple(found) == found


def test_a_question_is_answered_once() -> None:
    asked: list[Objects] = []
    found = some(thing("malware", 1))
    assert found.once(asked.append) is found.once(asked.append) is None
    assert asked == [found]


def test_what_stands_in_a_column_may_be_empty() -> None:
    bare, said = thing("malware", 1), thing("malware", 2, lang="")
    column = some(bare, said).columns.lang
    assert (present(column), filled(column)) == ([1], [])


def test_who_shows_other_words_is_found() -> None:
    objects = some(
        thing("malware", 1),
        thing("identity", 2, identity_class="Ada"),
        thing("indicator", 3, pattern_version="system"),
        thing("tool", 4, lang="th"),
        thing("tool", 5, extensions={"availability-ext": {"extension_type": "x-y"}}),
        thing("tool", 6, extensions={"availability-ext": {"extension_type": []}}),
        thing("identity", 7, identity_class="group", sectors=["energy"]),
        thing("identity", 8, identity_class="2.1"),
        thing("x-ours", 9),
    )
    assert uncommon(objects) == [1, 2, 3, 4, 5, 7, 8]


@pytest.mark.parametrize("word", sorted(COMMON))
def test_a_common_word_may_stand_where_nothing_can_be_withheld(word: str) -> None:
    words = {"relationship_type": word}
    assert profile.is_word(word)
    assert profile.misformed("relationship", words.get) is None
