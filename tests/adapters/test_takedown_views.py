"""Who gets a request that something be taken down: whom it is made to, all of it."""

from typing import Any

import msgspec
import pytest

from adapters.policy import Policy
from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.signing import Address
from schemas.markings import Tlp
from schemas.record import Kind
from schemas.stix.takedown import LEGAL_BASIS, TAKEDOWN
from tests.support.views import (
    CIVIL,
    CONCERNED,
    PEER,
    PLATFORM,
    POLICY_FILE,
    cut,
    link,
    new,
    only,
    opened,
    seen,
    signed,
    view,
)

LUMEN = Address(to=("platform-lumen",), concerns=("platform-lumen",))
BASIS = {
    "requesting_body": "District Court of Aquenia",
    "legal_basis": "Election Act, section 86",
    "necessity": "The false hours are shown to voters. A label did not help.",
    "jurisdiction": "XA",
}
CAMPAIGN = new("campaign")
BEHAVIOUR = new("attack-pattern")
POST = new("media-content", url="https://video.lumen.example/watch/9Rt4")
REQUEST = new(
    "takedown-request",
    name="False hours of polling places",
    **BASIS,
    object_refs=[POST["id"]],
    extensions={TAKEDOWN: {"extension_type": "new-sdo"}},
)
RECORD = REQUEST, CAMPAIGN, BEHAVIOUR, POST, link(CAMPAIGN, "uses", POST)
ASKED = msgspec.structs.replace(CONCERNED, addressed=True)
ASKED_PEER = msgspec.structs.replace(PEER, addressed=True)
KINDS: tuple[Kind, ...] = ("takedown-request", "correction", "retraction")
NOT_ASKED = {
    "a peer": PEER,
    "a platform": PLATFORM,
    "the platform that shows it": CONCERNED,
    "civil society": CIVIL,
    "civil society that is addressed": msgspec.structs.replace(CIVIL, addressed=True),
    "researchers": view("research"),
    "the public that is addressed": view("public", Tlp.CLEAR, addressed=True),
}

whatever_is_said_of_it = pytest.mark.parametrize("kind", KINDS)


def cut_for(to: View, *objects: dict[str, Any], **signing: Any) -> Redacted:
    return cut(signed(*(objects or RECORD), **({"address": LUMEN} | signing)), to)


def of_kind(kind: Kind) -> tuple[dict[str, Any], ...]:
    return (REQUEST | {"revoked": kind == "retraction"}, *RECORD[1:])


@whatever_is_said_of_it
def test_the_platform_that_is_asked_gets_all_of_it_with_its_legal_basis(
    kind: Kind,
) -> None:
    redacted = cut_for(ASKED, *of_kind(kind), kind=kind)
    shown = only(redacted, "takedown-request")
    assert {name: shown[name] for name in BASIS} == BASIS
    assert shown["name"] == REQUEST["name"]
    assert shown["extensions"][TAKEDOWN] == {"extension_type": "new-sdo"}
    post = only(redacted, "media-content")
    assert post["url"] == POST["url"]
    assert shown["object_refs"] == [post["id"]]
    # The evidence says so, too, in the issuer's own words.
    again = only(cut(opened(redacted.evidence), ASKED), "takedown-request")
    assert {name: again[name] for name in BASIS} == BASIS


def test_a_peer_that_is_asked_gets_it_too() -> None:
    shown = only(cut_for(ASKED_PEER), "takedown-request")
    assert {name: shown[name] for name in BASIS} == BASIS


@whatever_is_said_of_it
@pytest.mark.parametrize("who", NOT_ASKED)
def test_who_is_not_asked_gets_nothing(who: str, kind: Kind) -> None:
    with pytest.raises(NotGivenError) as caught:
        cut_for(NOT_ASKED[who], *of_kind(kind), kind=kind)
    assert caught.value.reason == "kind"


def test_who_was_asked_passes_on_nothing_to_others() -> None:
    copy = opened(cut_for(ASKED).evidence)
    for to in NOT_ASKED.values():
        with pytest.raises(NotGivenError):
            cut(copy, to)


def test_a_post_that_no_campaign_runs_is_not_given_away_by_a_request() -> None:
    with pytest.raises(NotGivenError) as caught:
        cut_for(ASKED, REQUEST, BEHAVIOUR, POST)
    assert caught.value.reason == "primary-withheld"


def test_of_several_targets_those_go_that_may_not_be_shown() -> None:
    other = new("media-content", "other", url="https://video.lumen.example/u/ordinary")
    both = REQUEST | {"object_refs": [POST["id"], other["id"]]}
    redacted = cut_for(ASKED, both, *RECORD[1:], other)
    post = only(redacted, "media-content")
    assert only(redacted, "takedown-request")["object_refs"] == [post["id"]]
    assert "ordinary" not in seen(redacted)


@pytest.mark.parametrize("name", LEGAL_BASIS)
def test_no_policy_can_show_a_request_without_its_legal_basis(name: str) -> None:
    text = POLICY_FILE.read_text("utf-8")
    assert text.count(f'"{name}", ') == 1
    policy = Policy(text.replace(f'"{name}", ', "").encode(), "test.toml")
    with pytest.raises(NotGivenError) as caught:
        cut(signed(*RECORD, address=LUMEN), ASKED, policy)
    assert caught.value.reason == "primary-withheld"
