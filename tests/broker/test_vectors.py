"""The vectors of `tests/vectors`: our verifier says of each what its manifest says.

A verifier in another language is tested with the same files. `tests.vectors.reading`
is the second opinion about the good ones; the bad ones were spelled by hand.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker import carried, following, heartbeats, sdjwt, seen, topology, trust, wire
from broker.bus import Message
from broker.chain import Feed
from broker.directory import Directory, KeyEntry, Member, Service, build, under
from broker.errors import TrustError
from broker.gate_rules import Accept, Envelope, Refuse, decide
from broker.heartbeats import Heartbeat
from broker.keys import Jwk
from broker.opening import open_sealed
from broker.seal_keys import PrivateSealingKey
from schemas import profile, timestamps
from schemas.errors import RefusedError
from schemas.reasons import REASONS
from tests.support.suspended import spans_of
from tests.vectors import make
from tests.vectors import sealed as vectors_sealed
from tests.vectors.reading import resolved

FOLDER = Path(make.__file__).parent
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_bytes())
VECTORS: list[dict[str, Any]] = MANIFEST["vectors"]
MAX_BYTES = 2_000_000

_CODES = list(REASONS)
OF_TOKENS = set(_CODES[_CODES.index("framing") : _CODES.index("seen-missing")])
# What else is said of a token: of its JSON, its objects, and by the gate.
OF_CONTENTS = {
    "not-json", "not-utf8", "surrogate", "duplicate-key", "number-range", "too-large",
    "too-deep", "not-stix", "stix-version", "bad-id", "bad-property", "bad-selector",
    "missing-property", "reserved-name", "duplicate-id", "coarse", "no-behaviour",
    "needs-sealing", "not-revoked", "kind-mismatch", "no-legal-basis", "not-addressed",
}  # fmt: skip
BY_THE_GATE = {
    "incomplete", "no-feed", "facts-mismatch", "no-primary", "kind-not-supported",
    "pap-forbids",
}  # fmt: skip
# Codes of the section on tokens that no token can cause.
NEVER_OF_A_TOKEN = {"bad-key": "is said of a key in the directory or a file"}


def entry_of(key: dict[str, Any]) -> KeyEntry:
    times = ("not_before", "not_after", "revoked_at")
    stated = {n: timestamps.from_epoch(key[n]) for n in times if key[n] is not None}
    return KeyEntry(jwk=Jwk(**key["jwk"]), **stated)


def member_of(key: dict[str, Any]) -> Member:
    return Member(
        org=key["org"],
        name=key["org"],
        country="XA",
        audience="peer-cert",
        kinds=tuple(key["kinds"]),
        exercise=key.get("exercise", False),
        keys=(entry_of(key),),
    )


def service_of(key: dict[str, Any]) -> Service:
    services, keys = tuple(key["services"]), (entry_of(key),)
    return Service(org=key["org"], name=key["org"], services=services, keys=keys)


DIRECTORY: Directory = under(
    build(map(member_of, MANIFEST["keys"]), map(service_of, MANIFEST["services"])),
    spans_of(MANIFEST["keys"]),
    expires=float("inf"),
)


def verified(vector: dict[str, Any]) -> trust.Verified:
    return trust.verify(
        resolved(vector, FOLDER),
        DIRECTORY,
        now=vector.get("now", MANIFEST["now"]),
        first_seen=vector.get("first_seen"),
    )


def gate_says(found: trust.Verified) -> str:
    """What the gate decides of a record that came on the right way; "" is good."""
    claims, issuer = found.claims, found.issuer
    key = topology.ingress_key(issuer=issuer, kind=claims.kind, tlp=claims.tlp)
    decision = decide(found, Envelope(issuer, issuer, key), known=False, feed=Feed())
    match decision:
        case Refuse(reason=reason):
            return reason
        case _:
            assert isinstance(decision, Accept)
            return ""


def of(result: str, *, gate: bool = False) -> list[Any]:
    return [
        pytest.param(v, id=v["name"])
        for v in VECTORS
        if v["result"] == result and (v["level"] == "gate") == gate
    ]


# ------------------------------------------------------------------ the tokens


@pytest.mark.parametrize("vector", [*of("ok"), *of("ok", gate=True)])
def test_a_good_token_says_what_is_expected(vector: dict[str, Any]) -> None:
    found = verified(vector)
    expected = json.loads((FOLDER / vector["expected"]).read_bytes())
    withheld = sum(found.opened.withheld.values())
    said = {
        "issuer": found.issuer,
        "kid": found.kid,
        "token_id": found.token_id,
        "complete": found.complete,
        "claims": {n: v for n, v in found.opened.claims.items() if n != "stix"},
        "objects": list(found.plain),
        "withheld": withheld,
    }
    if len(found.signers) > 1:
        said["signers"] = [each.org for each in found.signers]
    # As text: in Python 1, 1.0 and True are equal.
    assert as_text(said) == as_text(expected)
    if vector["level"] == "gate":
        assert gate_says(found) == ""


def as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("vector", of("refused"))
def test_a_bad_token_is_refused_for_its_one_fault(vector: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        verified(vector)
    assert caught.value.reason == vector["reason"]


@pytest.mark.parametrize("vector", of("refused", gate=True))
def test_the_gate_refuses_what_a_verifier_believes(vector: dict[str, Any]) -> None:
    assert gate_says(verified(vector)) == vector["reason"]


# ------------------------------------------------------- messages and their headers


def unpacked(entry: dict[str, Any]) -> bytes:
    body = resolved(entry, FOLDER)
    kind, encoding = entry["content_type"], entry["content_encoding"]
    message = Message(
        body=body,
        message_id="m",
        routing_key="r",
        content_type=kind,
        content_encoding=encoding,
    )
    return carried.encode(wire.unpack(message))


@pytest.mark.parametrize("entry", MANIFEST["messages"], ids=lambda e: e["name"])
def test_a_message_gives_its_token_or_is_refused(entry: dict[str, Any]) -> None:
    if entry["result"] == "ok":
        assert unpacked(entry).decode() == entry["gives"]
        return
    with pytest.raises(RefusedError) as caught:
        unpacked(entry)
    assert caught.value.reason == entry["reason"]


def stamped(entry: dict[str, Any]) -> dict[str, Any]:
    now = entry.get("now", MANIFEST["now"])
    found = seen.verify_headers(entry["headers"], DIRECTORY, now=now).stamp
    found.seen_of(sdjwt.token_id(resolved(entry, FOLDER)))
    return {name: getattr(found, name) for name in found.__struct_fields__}


@pytest.mark.parametrize("entry", MANIFEST["stamps"], ids=lambda e: e["name"])
def test_a_stamp_is_believed_or_refused(entry: dict[str, Any]) -> None:
    if entry["result"] == "ok":
        assert stamped(entry) == entry["expected"]
        return
    with pytest.raises(RefusedError) as caught:
        stamped(entry)
    assert caught.value.reason == entry["reason"]


# ------------------------------------------------------------------ heartbeats


def heard(entry: dict[str, Any]) -> Heartbeat:
    """Read a heartbeat, behind the one before it, with the gate's word if there is one."""
    text, now = entry["text"].encode(), MANIFEST["now"]
    if "heard" in entry:
        body = text + b"\n" + entry["heard"].encode()
        beat = heartbeats.verify_passed(body, DIRECTORY, now=now).beat
    else:
        _, beat = heartbeats.verify(text, DIRECTORY, now=now)
    if "before" in entry:
        before = entry["before"].encode()
        _, first = heartbeats.verify(before, DIRECTORY, now=now)
        place = following.follow(None, first)
        assert isinstance(place, following.Next)
        if following.follow(place.place, beat) == "conflict":
            raise TrustError("heartbeat-conflict")
    return beat


@pytest.mark.parametrize("entry", MANIFEST["heartbeats"], ids=lambda e: e["name"])
def test_a_heartbeat_is_believed_or_refused(entry: dict[str, Any]) -> None:
    if entry["result"] == "ok":
        assert as_text(msgspec.to_builtins(heard(entry))) == as_text(
            json.loads(entry["says"])
        )
        return
    with pytest.raises(RefusedError) as caught:
        heard(entry)
    assert caught.value.reason == entry["reason"]


def test_every_code_about_a_heartbeat_has_a_vector() -> None:
    said = {entry.get("reason") for entry in MANIFEST["heartbeats"]} - {None}
    own = {"heartbeat-invalid", "heartbeat-conflict"}
    of_keys = {"unknown-key", "signature", "key-not-valid", "key-revoked"}
    assert said == own | of_keys
    names = [entry["name"] for entry in MANIFEST["heartbeats"]]
    assert len(set(names)) == len(names)
    assert all(entry["why"].endswith(".") for entry in MANIFEST["heartbeats"])


# ------------------------------------------------------------------ sealed parts


@pytest.mark.parametrize("entry", MANIFEST["sealed"], ids=lambda e: e["name"])
def test_a_sealed_part_opens_or_is_refused(entry: dict[str, Any]) -> None:
    record, org = carried.decode(entry["record"].encode()), entry["opener"]
    opener = PrivateSealingKey(org, vectors_sealed.private(org))
    known = {each["kid"]: each["jwk"] for each in MANIFEST["sealing_keys"]}
    assert known[opener.kid]["x"] == opener.jwk.x

    def opened() -> trust.Verified:
        return open_sealed(record, DIRECTORY, [opener], now=MANIFEST["now"])

    if entry["result"] == "ok":
        found = opened()
        inside = [found.opened.texts[i].decode() for i in sorted(found.unsealed)]
        assert inside == entry["gives"]
        return
    with pytest.raises(RefusedError) as caught:
        opened()
    assert caught.value.reason == entry["reason"]


def test_every_code_about_a_sealed_part_has_a_vector_but_for_what_the_gate_says() -> (
    None
):
    said = {entry.get("reason") for entry in MANIFEST["sealed"]} - {None}
    codes = {code for code in REASONS if code.startswith("sealed-")}
    assert said == codes - {"sealed-missing"} | {"needs-sealing"}


# ------------------------------------------------------------------ all of them


def files(folder: Path) -> dict[str, bytes]:
    found = [folder / "manifest.json"]
    for name in make.FOLDERS:
        found += (folder / name).iterdir()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_made_anew_they_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    make.write(tmp_path)
    again, committed = files(tmp_path), files(FOLDER)
    assert again.keys() == committed.keys()
    assert [name for name, data in again.items() if data != committed[name]] == []


def test_files_and_manifest_agree() -> None:
    named = ["manifest.json"]
    for vector in VECTORS:
        named += [vector[n] for n in ("token", "expected") if n in vector]
        for kind, name in (
            ("token", "tokens/{}.sdjwt"),
            ("expected", "expected/{}.json"),
        ):
            assert vector.get(kind, name.format(vector["name"])) == name.format(
                vector["name"]
            )
    assert sorted(named) == sorted(files(FOLDER))


def test_no_two_have_one_name_or_one_token() -> None:
    entries = [
        *VECTORS,
        *MANIFEST["messages"],
        *MANIFEST["stamps"],
        *MANIFEST["sealed"],
    ]
    of_each = Counter(entry["name"] for entry in entries)
    assert [name for name, times in of_each.items() if times > 1] == []
    tokens = [(FOLDER / v["token"]).read_bytes() for v in VECTORS if "token" in v]
    assert len(set(tokens)) == len(tokens)


def test_they_are_small_enough_to_be_carried_along() -> None:
    assert sum(map(len, files(FOLDER).values())) < MAX_BYTES


@pytest.mark.parametrize("entry", VECTORS, ids=lambda e: e["name"])
def test_each_says_why_and_nothing_unknown(entry: dict[str, Any]) -> None:
    assert entry["why"].endswith(".")
    assert entry["level"] in {"format", "record", "stix", "gate"}
    assert ("token" in entry) != ("recipe" in entry)
    assert ("expected" in entry) == (entry["result"] == "ok")
    codes = [entry.get("reason"), *entry.get("also", ())]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= {None, *REASONS}


def test_every_code_about_a_token_has_a_vector() -> None:
    wanted = (OF_TOKENS - NEVER_OF_A_TOKEN.keys()) | OF_CONTENTS | BY_THE_GATE
    assert {v["reason"] for v in VECTORS if v["result"] == "refused"} == wanted


def test_every_code_about_a_message_has_a_vector() -> None:
    said = {e.get("reason") for e in MANIFEST["messages"] + MANIFEST["stamps"]}
    wanted = "content-type content-encoding zstd too-large seen-missing seen-invalid"
    assert said - {None} == set(wanted.split())


def test_every_property_that_is_always_visible_has_a_vector_that_hides_it() -> None:
    names = {vector["name"] for vector in VECTORS}
    common = profile.visible("incident", primary=True, own=False)
    wanted = {f"object-hidden-{name.replace('_', '-')}" for name in common}
    for kind in profile._BY_TYPE:
        for name in profile.visible(kind, primary=False, own=False) - common:
            wanted.add(f"{kind}-hidden-{name.replace('_', '-')}")
    assert wanted - names == set()
