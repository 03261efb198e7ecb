"""The notice that a record is erased: ids and a word, signed, a delivery as any."""

import json

import msgspec
import pytest

from adapters import erasing
from adapters.enveloping import encode
from adapters.outbox_rows import Reached
from adapters.projection import Author, scoped_id
from adapters.sinks.file import open_file_sink
from broker import base64url, jws
from broker.erasing import Order
from broker.keys import PublicKey
from tests.support.issuing import HUB
from tests.support.sinks import delivery

SUB = "incident--1b0cbe1c-0b5e-4b0c-8a52-3b0c4ec3a001"
ORDER = Order(
    issuer="cert-aq", sub=SUB, tokens=("A" * 43,), at=1_770_000_000, reason="mistake"
)
REACHED = Reached(
    member="platform-b",
    sink="siem",
    token_ids=("A" * 43,),
    numbers=(3,),
    not_sent=(5,),
    tlp="AMBER",
    scope="platform",
)
AUTHOR = Author(org="hub", name="Hub", id_key=b"i" * 32)


def notice(order=ORDER, reached=REACHED):
    return erasing.delivery(order, reached, AUTHOR, HUB)


def test_it_says_which_record_by_all_ids_that_the_member_has_and_why():
    said = json.loads(notice().projection)
    assert said == {
        "type": "tocsin-erasure",
        "issuer": "cert-aq",
        "sub": SUB,
        "projected": scoped_id(SUB, AUTHOR, "platform"),
        "tokens": ["A" * 43],
        "numbers": [3],
        "not_sent": [5],
        "reason": "mistake",
        "meaning": "it should not have been published.",
        "at": "2026-02-02T02:40:00.000Z",
    }


def test_it_is_signed_by_the_hub():
    row = notice()
    found = jws.opened(row.evidence, erasing.TYP, max_bytes=9999, reason="x")
    assert PublicKey(HUB.jwk).verify(found.signature, found.signed)
    claims = json.loads(found.payload)
    assert (claims.pop("iss"), claims.pop("iat")) == ("urn:tocsin:org:hub", ORDER.at)
    assert claims == json.loads(row.projection)


def test_the_same_order_makes_the_same_delivery_and_another_moment_a_newer_one():
    assert notice() == notice()
    later = notice(msgspec.structs.replace(ORDER, at=ORDER.at + 60))
    assert (later.sub, later.ver > notice().ver) == (notice().sub, True)
    other = notice(msgspec.structs.replace(ORDER, issuer="cert-bv"))
    assert other.sub != notice().sub
    assert len(base64url.decode(notice().token_id.encode())) == 32


@pytest.mark.parametrize("kind", [erasing.KIND])
async def test_sinks_give_it_names_of_its_own(tmp_path, kind):
    row = notice()
    item = delivery(
        kind=kind, evidence=row.evidence, projection=row.projection,
        receipt=row.receipt, token_id=row.token_id, sub=row.sub,
    )  # fmt: skip
    async with open_file_sink(tmp_path / "out") as sink:
        await sink.send(item)
    [folder] = (tmp_path / "out").iterdir()
    assert folder.name.startswith("00000007-erasure-")
    assert {each.name for each in folder.iterdir()} == {
        "erasure.jwt", "erased.json", "delivery.json",
    }  # fmt: skip
    sent = json.loads(encode(item))
    assert sent["type"] == "erasure"
    assert sent["data"]["erased"] == json.loads(row.projection)
    assert sent["data"]["erasure"] == row.evidence.decode()
    assert not {"evidence", "projection", "receipt"} & sent["data"].keys()
