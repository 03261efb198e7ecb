"""What marks of protection ask of an object, written as marks or as labels."""

import pytest

from adapters.view import View
from schemas.protection import PROTECTION_IDS, Group
from tests.support.views import CIVIL, INCIDENT, PEER, cut, new, projected, signed

IDS = {group: ref for ref, group in PROTECTION_IDS.items()}


def noted(**marks):
    note = new("note", "x", object_refs=[INCIDENT["id"]], **marks)
    return signed(INCIDENT, note, primary=INCIDENT["id"]), note["id"]


def became(record, to: View, **more):
    """Say whether the note is given; else why not, and how many persons must agree."""
    redacted = cut(record, to, **more)
    if projected(redacted, "note"):
        return "given"
    [found] = [c for c in redacted.cuts if (c.object_type, c.place) == ("note", "")]
    return found.reason, found.approvals


@pytest.mark.parametrize("written", ["mark", "label"])
def test_what_protects_survivors_waits_for_two_persons_and_is_given_when_they_agree(
    written,
):
    marks = {
        "mark": {"object_marking_refs": [IDS[Group.SURVIVORS]]},
        "label": {"labels": ["Protect:Survivors"]},
    }[written]
    record, note = noted(**marks)
    assert became(record, PEER) == ("held", 2)
    assert became(record, PEER, approved={(note, "")}) == "given"
    assert became(record, PEER, approved={(note, "content")}) == ("held", 2)
    assert became(record, CIVIL, approved={(note, "")}) == ("protected", 0)


def test_a_label_that_protects_nobody_known_protects_from_everybody():
    record, note = noted(labels=["protect:somebody"])
    assert became(record, PEER, approved={(note, "")}) == ("protected", 0)
    assert became(noted(labels=["weather"])[0], PEER) == "given"
