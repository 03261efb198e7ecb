"""Attacks on digests: guess what was hashed, and compare."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from broker import base64url
from broker.signing import fullness
from tests.redteam.world import Case, Got, Hit, Version, withheld
from tests.support.views import decoded

MAX_BITS = 40  # subsets that somebody with one computer tries in some days
_GUESSED_SALTS = ("", "salt", "A" * 22, "A" * 24, "0" * 22)
_MAX_GUESSES = 4_000  # of one copy


def sha(text: bytes) -> str:
    return base64url.encode(hashlib.sha256(text).digest()).decode()


def salts(got: Got) -> dict[str, bytes]:
    return {json.loads(base64url.decode(text))[0]: text for text in got.texts}


def digests(value: Any) -> Iterator[str]:
    """List the digests in a JSON value, decoys among them."""
    if isinstance(value, dict):
        yield from value.get("_sd", ())
        if set(value) == {"..."}:
            yield value["..."]
        for inner in value.values():
            yield from digests(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from digests(inner)


def unknown(got: Got) -> set[str]:
    """List the digests that a member has nothing for."""
    found = {d for value in decoded(got.evidence)[1:] for d in digests(value)}
    return found - {sha(text) for text in got.texts}


def guesses(case: Case) -> Iterator[Hit]:
    """Guess withheld values, with the salts that one has or may guess."""
    for version in case.versions:
        for got in version.got:
            missing = unknown(got)
            known = [*_GUESSED_SALTS, *sorted(salts(got))[:8]]
            tried = 0
            for secret in withheld(version, got):
                tried += len(known)
                if tried > _MAX_GUESSES:
                    break
                for salt in known:
                    for content in ([secret.place[-1], secret.value], [secret.value]):
                        text = json.dumps(
                            [salt, *content], ensure_ascii=False, separators=(",", ":")
                        )
                        if sha(base64url.encode(text.encode())) in missing:
                            yield case.hit("hashes.guessed", secret.spelled)


def salts_again(case: Case) -> Iterator[Hit]:
    """Look for a salt, or a whole disclosure, that was used before."""
    seen: dict[str, bytes] = {}
    for version in _by_token(case):
        mine: dict[str, bytes] = {}
        for got in version.got:
            mine |= salts(got)
            if len(salts(got)) < len(got.texts):
                yield case.hit("hashes.salt-again", "in one record")
        for salt in mine.keys() & seen.keys():
            yield case.hit("hashes.salt-again", f"over versions: {salt[:4]}")
        seen |= mine


def unchanged(case: Case) -> Iterator[Hit]:
    """Look for a digest that stays: it would tell that a value did not change."""
    seen: list[set[str]] = []
    for version in _by_token(case):
        mine = set().union(*(unknown(got) for got in version.got))
        for before in seen:
            if before & mine:
                yield case.hit("hashes.unchanged", "over versions")
        seen.append(mine)


def _by_token(case: Case) -> Iterator[Version]:
    """Leave out what was given in two parts: it is one token."""
    yield from {version.token: version for version in case.versions}.values()


def fullness_of_decoys(case: Case) -> Iterator[Hit]:
    """Tell decoys from withheld parts by the claim `full`: try all sets of them.

    It covers the digests of all disclosures and of no decoy. Who sees the digests of
    all disclosures, so who lacks none that has others in it, finds the set.
    """
    for version in case.versions:
        real = set(version.whole.opened.digests)
        for got in version.got:
            missing = unknown(got)
            have = {sha(text) for text in got.texts}
            bits = len(missing - certain(got))
            if real <= have | missing and bits <= MAX_BITS:
                assert fullness(real) == got.opened.opened.claims["full"]
                told = len(missing - real)
                yield case.hit(
                    "hashes.full", f"{got.audience}: {told} decoys", amount=bits
                )


def certain(got: Got) -> set[str]:
    """List digests that are no decoys for sure: of properties, and of sentences."""
    found: set[str] = set()
    payload, *rest = decoded(got.evidence)[1:]
    for value in (payload.get("stix"), *rest):
        found |= set(_of_properties(value))
    return found


def _of_properties(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value.get("_sd", ())
        for inner in value.values():
            yield from _of_properties(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_properties(inner)


def of_received(case: Case) -> Iterator[Hit]:
    """Know all but one small part, and compare with `received` in the receipt."""
    for version in case.versions:
        whole = version.whole.opened
        for got in version.got:
            lost = [text for text in whole.texts if text not in got.texts]
            for text in lost if len(lost) == 1 else ():
                _, *content = json.loads(base64url.decode(text))
                for salt in (*_GUESSED_SALTS, *salts(got)):
                    made = json.dumps([salt, *content], separators=(",", ":"))
                    guess = base64url.encode(made.encode())
                    full = [guess if t == text else t for t in whole.texts]
                    if (
                        sha(b"~".join([whole.jwt, *full, b""]))
                        == got.account["received"]
                    ):
                        yield case.hit("hashes.received", "one part withheld")


def subset(got: Got) -> set[str] | None:
    """Find the decoys by trying, as an attacker would; None if no set fits."""
    have = {sha(text) for text in got.texts}
    missing = unknown(got)
    sure = have | certain(got)
    open_ = sorted(missing - sure)
    wanted = got.opened.opened.claims["full"]
    for number in range(1 << len(open_)):
        chosen = {d for i, d in enumerate(open_) if number >> i & 1}
        if fullness(sure | chosen) == wanted:
            return set(open_) - chosen
    return None


def of_a_neighbour(case: Case) -> Iterator[Hit]:
    """Hold another member's receipt, and guess what its projection says.

    It takes an audience with two views: there ids are the same, so that one copy is
    the other with a value or two in place of others.
    """
    for version in case.versions:
        for mine, theirs in combinations(version.got, 2):
            if mine.scope == theirs.scope and mine.projection != theirs.projection:
                for have, want in ((mine, theirs), (theirs, mine)):
                    guess = _as_neighbour(have, want)
                    if guess is not None and sha(guess) == want.account["projection"]:
                        yield case.hit("hashes.neighbour", f"{want.audience}")


def _as_neighbour(have: Got, want: Got) -> bytes | None:
    """Write the neighbour's projection with right guesses; None: too much to guess.

    Ids are taken from the own copy, or they are random to whoever guesses.
    """
    mine = {o["id"]: o for o in have.bundle}
    if not {o["id"] for o in want.bundle} <= mine.keys():
        return None
    differing = sum(
        value != mine[o["id"]].get(name)
        for o in want.bundle
        for name, value in o.items()
        if name != "extensions"
    )
    if differing > 2:
        return None
    name = f"{have.opened.token_id} {want.audience} {want.scope}"
    number = hashlib.sha256(name.encode()).digest()[:16]
    return json.dumps(
        {
            "type": "bundle",
            "id": f"bundle--{uuid.UUID(bytes=number, version=5)}",
            "objects": want.bundle,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


ALL = (
    guesses, salts_again, unchanged, fullness_of_decoys, of_received, of_a_neighbour,
)  # fmt: skip
