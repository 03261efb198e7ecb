"""A request that something be taken down: its kind, its legal basis, what forbids it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from schemas import stix
from schemas.composing import attempt, compose
from schemas.errors import SchemaError
from schemas.pap import PAP_IDS, Pap
from schemas.reasons import REASONS
from schemas.record import Draft, kind_fits, natural_kind
from schemas.stix.takedown import LEGAL_BASIS, TAKEDOWN
from schemas.takedown import is_request, need_legal_basis, need_own_kind
from tests.support.policies import definition, pap_extension
from tests.support.records import an_id, decoded, incident, plain_object

PAGE = (Path(__file__).parents[2] / "docs/takedown.md").read_text("utf-8")
NOW = "2026-12-02T00:00:00Z"
REQUEST = plain_object(
    "takedown-request",
    extensions={TAKEDOWN: {"extension_type": "new-sdo"}},
    requesting_body="District Court of Aquenia",
    legal_basis="Election Act, section 86",
    necessity="The false hours are shown to voters; a label did not help.",
    jurisdiction="XA",
    object_refs=[an_id("url")],
)
URL = {
    "type": "url",
    "id": an_id("url"),
    "value": "https://video.lumen.example/watch/9Rt4",
    "object_marking_refs": REQUEST["object_marking_refs"],
}


def composed(*plain: dict[str, Any], **options: Any) -> Draft:
    return compose(decoded(*plain), now=NOW, **options)


def refusal(*plain: dict[str, Any], **options: Any) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        composed(*plain, **options)
    return caught.value.reason, caught.value.where


def without(name: str) -> dict[str, Any]:
    return {each: value for each, value in REQUEST.items() if each != name}


# -- a kind of its own


def test_a_request_is_a_kind_of_its_own() -> None:
    draft = composed(REQUEST, URL)
    assert (draft.kind, draft.primary) == ("takedown-request", 0)
    assert composed(REQUEST, kind="takedown-request").kind == "takedown-request"
    assert natural_kind(REQUEST["id"]) == "takedown-request"
    assert is_request(REQUEST["id"])


@pytest.mark.parametrize("kind", ["correction", "retraction"])
def test_a_request_is_corrected_and_taken_back(kind: str) -> None:
    assert composed(REQUEST | {"revoked": True}, kind=kind).kind == kind


@pytest.mark.parametrize("kind", ["advisory", "incident", "feedback"])
def test_a_request_goes_under_no_other_name(kind: str) -> None:
    assert not kind_fits(kind, REQUEST["id"])  # type: ignore[arg-type]
    assert refusal(REQUEST, kind=kind)[0] == "kind-mismatch"
    assert refusal(incident(), kind="takedown-request")[0] == "kind-mismatch"


def test_a_record_that_holds_a_request_is_one() -> None:
    assert composed(incident(), REQUEST).primary == 1


def test_a_request_inside_a_record_of_another_kind_is_refused() -> None:
    found = refusal(incident(), REQUEST, primary=incident()["id"])
    assert found == ("kind-mismatch", "$.objects[1]")
    with pytest.raises(SchemaError) as caught:
        need_own_kind(decoded(incident(), REQUEST), incident()["id"])
    assert caught.value.where == "$.objects[1]"
    need_own_kind(decoded(incident()), incident()["id"])


# -- who asks, on what basis, and why


@pytest.mark.parametrize("name", LEGAL_BASIS)
@pytest.mark.parametrize("said", [None, "", " ", "\u2003\n"])
def test_without_its_legal_basis_a_request_is_refused(
    name: str, said: str | None
) -> None:
    bare = without(name) if said is None else REQUEST | {name: said}
    assert refusal(bare, URL) == ("no-legal-basis", f"$.objects[0].{name}")


def test_a_request_names_what_is_to_be_taken_down() -> None:
    with pytest.raises(SchemaError) as caught:
        stix.check_required(decoded(without("object_refs"))[0])
    assert (caught.value.reason, caught.value.where) == (
        "missing-property",
        "$.object_refs",
    )


def test_whose_law_it_is_under_is_a_country_if_it_is_said() -> None:
    composed(without("jurisdiction"))
    composed(REQUEST | {"jurisdiction": "EU"})
    for said in ("xa", "Aquenia", "XA\n", ""):
        with pytest.raises(SchemaError) as caught:
            decoded(REQUEST | {"jurisdiction": said})
        assert caught.value.where == "$.jurisdiction"


def test_other_records_need_no_legal_basis() -> None:
    need_legal_basis(decoded(incident(), URL))
    need_legal_basis([])


def test_a_reader_takes_what_is_not_empty() -> None:
    need_legal_basis(decoded(REQUEST | {"necessity": " "}))
    with pytest.raises(SchemaError) as caught:
        need_legal_basis(decoded(incident(), without("necessity")))
    assert caught.value.where == "$.objects[1].necessity"


# -- what PAP forbids

STRICT = [pap for pap in Pap if pap >= Pap.AMBER]
LAX = [pap for pap in Pap if pap < Pap.AMBER]


def marked_with(pap: Pap) -> list[list[dict[str, Any]]]:
    """A request that is under PAP as a whole or in part, itself or what it names."""
    ref = next(each for each, meant in PAP_IDS.items() if meant is pap)
    own = definition(9, **pap_extension(pap.name.lower()))
    green = REQUEST["object_marking_refs"]
    part = {"selectors": ["value"], "marking_ref": ref}
    return [
        [REQUEST | {"labels": ["election", pap.label]}, URL],
        [REQUEST | {"object_marking_refs": [*green, ref]}, URL],
        [REQUEST | {"object_marking_refs": [*green, own["id"]]}, URL, own],
        [REQUEST, URL | {"object_marking_refs": [*green, ref]}],
        [REQUEST, URL | {"granular_markings": [part]}],
    ]


@pytest.mark.parametrize("plain", [p for pap in STRICT for p in marked_with(pap)])
def test_pap_forbids_what_the_adversary_would_see(plain: list[dict[str, Any]]) -> None:
    reason, where = refusal(*plain)
    assert reason == "pap-forbids"
    assert where.startswith("$.objects[")


@pytest.mark.parametrize("plain", [p for pap in LAX for p in marked_with(pap)])
def test_a_laxer_pap_forbids_nothing(plain: list[dict[str, Any]]) -> None:
    assert composed(*plain)


def test_other_records_may_be_under_pap() -> None:
    assert composed(incident(labels=["PAP:RED"]))


def test_the_place_of_a_part_is_told() -> None:
    *_, plain = marked_with(Pap.RED)
    _, faults = attempt(decoded(*plain), now=NOW)
    where = "$.objects[1].granular_markings[0].marking_ref"
    assert [(each.reason, each.where) for each in faults] == [("pap-forbids", where)]


# -- the page


def test_the_example_of_the_page_is_a_record() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    draft = compose(stix.decode_bundle(json.loads(example)), now=NOW)
    assert draft.kind == "takedown-request"


def test_the_page_names_the_extension_and_every_refusal() -> None:
    assert TAKEDOWN in PAGE
    for name in (*LEGAL_BASIS, "jurisdiction", "object_refs"):
        assert f"| `{name}` |" in PAGE
    for reason in ("no-legal-basis", "not-addressed", "pap-forbids", "kind-mismatch"):
        assert reason in REASONS
        assert f"`{reason}`" in PAGE
