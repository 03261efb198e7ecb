"""Checking an input tells what is odd about its marks, and refuses what cannot be kept."""

from typing import Any

from adapters.checking import check
from adapters.sources.found import Found
from schemas.markings import TLP_IDS, Tlp
from schemas.record import ALL_COMMUNITY
from tests.support.policies import policy
from tests.support.records import an_id, decoded, incident, plain_object

GREEN, CLEAR = TLP_IDS[Tlp.GREEN], TLP_IDS[Tlp.CLEAR]
ONE = an_id("marking-definition")
NOW = "2026-12-02T00:00:00Z"


def rules(*plain: dict[str, Any], **options: Any) -> set[tuple[str, str]]:
    objects = decoded(incident(), *plain)
    places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    found = Found(objects=tuple(objects), places=places)
    checked = check(found, {"now": NOW}, **options)
    return {(f.rule, f.where) for f in checked.findings}


def advice(*refs: str, **more: Any) -> dict[str, Any]:
    return plain_object("course-of-action", object_marking_refs=[*refs], **more)


def test_contradictions_are_told() -> None:
    assert ("tlp-several", "$.objects[1].object_marking_refs") in rules(
        advice(GREEN, CLEAR)
    )


def test_to_whom_a_record_goes_is_told_apart() -> None:
    red = advice(GREEN, labels=["PAP:RED"])
    wide = ("pap-red-wide", "$.objects[1]")
    assert wide in rules(red, communities=[ALL_COMMUNITY])
    assert wide not in rules(red)


def test_every_policy_that_cannot_be_kept_is_told_with_all_else_that_is_wrong() -> None:
    bent = [
        advice(GREEN, ONE, an_id("marking-definition", 2)),
        policy(1, end_date=NOW),
        policy(2, provider_attribution="must-not"),
        policy(3, tlp="purple"),
        plain_object("tool", object_marking_refs=[TLP_IDS[Tlp.RED]]),
    ]
    found = rules(*bent)
    assert found >= {
        ("iep-expired", "$.objects[1].object_marking_refs[1]"),
        ("attribution-visible", "$.objects[1].object_marking_refs[2]"),
        ("needs-sealing", "$.objects[5]"),
    }
    assert "bad-iep" in {rule for rule, _ in found}
