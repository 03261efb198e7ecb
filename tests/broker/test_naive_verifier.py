"""A second verifier, written from docs/protocol.md alone, agrees with the product's.

It has to give what the vectors demand, and no token, however bent, may be read
differently by the two: both refuse it, or both give the same claims and objects.
"""

import itertools
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from broker import trust
from broker.directory import Directory, Member, build, under
from schemas.errors import RefusedError
from tests.support.bent_tokens import bent_anyhow, respelled
from tests.support.bent_trees import bends, bent_records, opened
from tests.support.edge_trees import edges
from tests.support.naive_verifier import Refused, verify
from tests.support.suspended import spans_of
from tests.vectors import cast
from tests.vectors.reading import resolved
from tests.vectors.spelling import Cut, Part

VECTORS = Path(__file__).parents[1] / "vectors"
MANIFEST = json.loads((VECTORS / "manifest.json").read_bytes())
ALL = {vector["name"]: vector for vector in MANIFEST["vectors"]}
GOOD = [n for n, v in ALL.items() if v["result"] == "ok"]
JUDGED = [n for n, v in ALL.items() if n in GOOD or v["level"] in ("format", "record")]
PASSED_OVER = [n for n, v in ALL.items() if n not in JUDGED and v["result"] != "ok"]
NOW = MANIFEST["now"]
SMALL = ["minimal", "text-gap-in-the-middle", "coarse-both", "es256", "feed-position"]
STRIDE = 47  # a prime: of each kind of bend some are looked at in each vector
STIX_LEVEL = {"missing-property", "bad-id", "stix-version", "bad-property"}
"""What the naive verifier leaves out, as who reads evidence may (protocol.md, 6)."""

REFUSED_ALL_THE_SAME = {
    "stix-id-a-number": "bad-id",
    "stix-without-id": "missing-property",
    "stix-id-of-a-marking": "tlp-mismatch",
    "stix-string-too-large": "too-large",
    "stix-text-too-large": "too-large",
}


@cache
def token_of(name: str) -> bytes:
    return resolved(ALL[name], VECTORS)


def moments(name: str) -> dict[str, Any]:
    """When a vector is to be judged."""
    vector = ALL[name]
    return {"now": vector.get("now", NOW), "first_seen": vector.get("first_seen")}


# -- both verdicts


def spelled(value: Any) -> str:
    """Text in which 1, 1.0 and true differ, and the order of members does not."""
    return json.dumps(value, sort_keys=True)


def naive(token: bytes, **when: Any) -> tuple[str, str]:
    """A reason, or what was read."""
    try:
        return "", spelled(verify(token, MANIFEST["keys"], **({"now": NOW} | when)))
    except Refused as refusal:
        return refusal.args[0], ""


def directory() -> Directory:
    """The keys of the manifest, in the product's form."""
    members = build([_member(entry) for entry in MANIFEST["keys"]])
    return under(members, spans_of(MANIFEST["keys"]), expires=float("inf"))


def _member(entry: dict[str, Any]) -> Member:
    key = {"jwk": entry["jwk"]}
    for name in ("not_before", "not_after", "revoked_at"):
        if entry[name] is not None:
            key[name] = rfc3339(entry[name])
    fields = {
        "org": entry["org"],
        "name": entry["org"],
        "country": "XA",
        "audience": "peer-cert",
        "kinds": entry["kinds"],
        "exercise": entry.get("exercise", False),
        "keys": [key],
    }
    return msgspec.convert(fields, Member)


def rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


DIRECTORY = directory()


def product(token: bytes, **when: Any) -> tuple[str, str]:
    """A reason, or what was read, in the form of the vectors' expected files."""
    try:
        found = trust.verify(token, DIRECTORY, **({"now": NOW} | when))
    except RefusedError as refusal:
        return refusal.reason, ""
    said = {
        "issuer": found.issuer,
        "kid": found.kid,
        "token_id": found.token_id,
        "complete": found.complete,
        "claims": {k: v for k, v in found.opened.claims.items() if k != "stix"},
        "objects": list(found.plain),
        "withheld": sum(found.opened.withheld.values()),
    }
    if len(found.signers) > 1:
        said["signers"] = [each.org for each in found.signers]
    return "", spelled(said)


def differ(token: bytes, **when: Any) -> str:
    """Say how the two read *token* differently; "" if they do not."""
    (ours, read), (theirs, also_read) = product(token, **when), naive(token, **when)
    if (ours and theirs) or ours in STIX_LEVEL:
        return ""
    if ours or theirs:
        return f"product: {ours or 'accepted'}, naive: {theirs or 'accepted'}"
    return "" if read == also_read else "read differently"


def issued(seed: str, tree: Any, **more: Any) -> bytes:
    """Sign a tree; an empty token where it has a part that no JSON can have."""
    try:
        return cast.issue(seed, tree, **more)
    except TypeError:
        return b""


# -- what the vectors demand


@pytest.mark.parametrize("name", JUDGED)
def test_the_naive_verifier_gives_what_a_vector_demands(name: str) -> None:
    vector = ALL[name]
    reason, read = naive(token_of(name), **moments(name))
    if vector["result"] == "ok":
        expected = json.loads((VECTORS / vector["expected"]).read_bytes())
        assert (reason, read) == ("", spelled(expected))
    else:
        assert reason in [vector["reason"], *vector.get("also", [])]


def test_no_vector_needs_the_codes_of_another_order_of_checks() -> None:
    others = [
        name
        for name in JUDGED
        if naive(token_of(name), **moments(name))[0] != ALL[name].get("reason", "")
    ]
    assert others == []


def test_it_takes_what_only_the_gate_would_refuse_and_most_of_level_stix() -> None:
    reasons = {n: naive(token_of(n), **moments(n))[0] for n in PASSED_OVER}
    refused = {name: reason for name, reason in reasons.items() if reason}
    assert refused == REFUSED_ALL_THE_SAME


# -- no token is read differently


def once_read_apart() -> dict[str, dict[str, Any]]:
    """Records that the two read differently once."""
    network = {"x_tocsin_coarse_value": Part("8.8.8.0/24"), "value": Cut("8.8.8.8")}
    events = Part([Cut({"event_type": "x"}), Cut({"event_type": "y"})])
    sub = "incident--x--00000000-0000-4000-8000-000000000001"
    return {
        "a network of ten characters": cast.claims(
            cast.main(), cast.address(1, **network)
        ),
        "no event of an extension": cast.claims(
            cast.main(extensions={cast.CORE: {"events": events}})
        ),
        "a type that only begins well": cast.claims(Cut(cast.main()), sub=sub),
    }


@pytest.mark.parametrize("name", once_read_apart())
def test_both_read_alike_what_was_once_read_apart(name: str) -> None:
    assert differ(cast.issue(name, once_read_apart()[name])) == ""


def test_both_read_alike_what_stands_at_the_bounds() -> None:
    verdicts = set()
    for count, tree in enumerate(edges()):
        token = cast.issue(f"edge {count}", tree)
        assert differ(token) == "", tree
        verdicts.add(naive(token)[0])
    assert verdicts >= {"", "coarse", "claims", "bad-selector", "version-in-future"}


@pytest.mark.parametrize("name", ALL)
def test_both_verifiers_read_a_vector_alike(name: str) -> None:
    assert differ(token_of(name), **moments(name)) == ""


@pytest.mark.parametrize("name", SMALL)
def test_both_read_alike_what_is_moved_cut_flipped_or_spelled_otherwise(
    name: str,
) -> None:
    token = token_of(name)
    for bent in itertools.chain(bent_anyhow(token), respelled(token)):
        assert differ(bent, **moments(name)) == "", bent


@pytest.mark.parametrize(
    "name", [n for n in GOOD if len(token_of(n)) < 4_000 and token_of(n)[:1] != b"{"]
)
def test_both_read_alike_what_is_signed_with_a_part_in_the_wrong_place(
    name: str,
) -> None:
    tree, key = opened(token_of(name))
    step = 1 if name == "minimal" else STRIDE
    for count, bent in enumerate(itertools.islice(bends(tree), 0, None, step)):
        if isinstance(bent, dict):
            token = issued(f"{name}{count}", bent, key=key)
            assert differ(token, **moments(name)) == "", token


@settings(max_examples=200)
@given(bent_records())
def test_both_read_alike_a_record_of_any_shape(tree: Any) -> None:
    if isinstance(tree, dict):
        token = issued("any shape", tree)
        assert differ(token) == "", token
