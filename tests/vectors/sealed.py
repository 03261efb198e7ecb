"""Sealed parts (docs/protocol.md, 13): made by hand, HPKE too; what opens, and what not.

Two records hold a RED indicator that was sealed, one of them a second compartment.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.support import hpke_by_hand
from tests.vectors.cast import CERT, MARK, claims, header_of, named, other
from tests.vectors.joint import general
from tests.vectors.spelling import (
    Part,
    b64,
    concealed,
    full_of,
    joined,
    jws,
    sha,
    spell,
    unb64,
)

LABEL: Final = "tocsin-seal-v1"
FILL: Final = b"~"


def private(org: str) -> X25519PrivateKey:
    seed = hashlib.sha256(f"{org} sealing".encode()).digest()
    return X25519PrivateKey.from_private_bytes(seed)


def _jwk(org: str) -> dict[str, str]:
    x = b64(private(org).public_key().public_bytes_raw()).decode()
    return {"kty": "OKP", "crv": "X25519", "x": x}


def kid_of(org: str) -> str:
    return f"{org}/{sha(spell(dict(sorted(_jwk(org).items()))))[:16]}"


BX, CW = "cert-bx", "cert-cw"
KEYS: Final = [
    {
        "kid": kid_of(o),
        "org": o,
        "jwk": _jwk(o),
        "private_key": f"SHA-256 of: {o} sealing",
    }
    for o in (BX, CW)
]


def secret(number: int, **changes: Any) -> dict[str, Any]:
    return other(
        "indicator",
        number,
        pattern_type="stix",
        pattern=Part(f"[ipv4-addr:value = '203.0.113.{number}']"),
        object_marking_refs=[MARK["RED"]],
        **changes,
    )


class Record:
    """A record whose objects but the first are sealed, a compartment each."""

    def __init__(self, name: str, count: int = 1, **more: Any) -> None:
        objects = [named(), *(secret(n) for n in range(2, 2 + count))]
        tree = claims(*objects, sealed=[], full="", **more)
        shown, texts, _ = concealed(name, tree)
        self.compartments = [
            _with_inner(text, texts)
            for text in texts
            if MARK["RED"].encode() in unb64(text)
        ]
        taken = {text for each in self.compartments for text in each}
        self.open = [text for text in texts if text not in taken]
        self.names = [full_of(each) for each in self.compartments]
        shown |= {"sealed": sorted(self.names), "full": full_of(self.open)}
        self.jwt = jws(header_of(CERT), shown, CERT)
        self.token = joined(self.jwt, self.open)
        self.token_id = sha(self.jwt.rpartition(b".")[0])


def _with_inner(text: bytes, texts: Iterable[bytes]) -> list[bytes]:
    return [text, *(each for each in texts if sha(each).encode() in unb64(text))]


def filled(plain: bytes) -> bytes:
    return plain.ljust(-(-len(plain) // 1024) * 1024, FILL)


def content(record: Record, name: str, plain: bytes) -> bytes:
    key, nonce = _drawn(name, 32), _drawn("nonce" + name, 12)
    bound = f"{LABEL}|{record.token_id}|{name}".encode()
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, bound)


def slot(record: Record, name: str, org: str, **changes: Any) -> dict[str, str]:
    token_id, kid = record.token_id, kid_of(org)
    info = f"{LABEL}|{token_id}|{name}|urn:tocsin:org:{org}|{kid}".encode()
    ephemeral = X25519PrivateKey.from_private_bytes(_drawn(f"{name}{org}", 32))
    to = private(org).public_key()
    made = hpke_by_hand.seal(_drawn(name, 32), to, info, ephemeral)
    return {"kid": kid, "key": b64(made).decode()} | changes


def _drawn(seed: str, size: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(size)


def part(record: Record, place: int = 0, **bent: Any) -> bytes:
    """One compartment on its way; what is *bent* is another than it ought to be."""
    name = record.names[place]
    plain = filled(FILL.join(record.compartments[place]))
    head = {
        "seal": 1,
        "compartment": bent.get("name", name),
        "to": bent.get("to", [slot(record, name, BX)]),
    }
    body = bent.get("content", content(record, name, bent.get("plain", plain)))
    return b64(bent.get("head", spell(head)) + b"\n" + body)


def sealed() -> list[dict[str, Any]]:
    one, two = Record("sealed-one"), Record("sealed-two", 2)
    return [*_good(one, two), *_bad(one, two), *_bad_forms(one)]


def _entry(
    name: str, why: str, token: bytes, *parts: bytes, **more: Any
) -> dict[str, Any]:
    spelled = spell(general(token, sealed=[each.decode() for each in parts]))
    return {
        "name": f"sealed-{name}",
        "why": why,
        "record": spelled.decode(),
        "opener": BX,
        **more,
    }


def _good(one: Record, two: Record) -> list[dict[str, Any]]:
    def ok(
        name: str, why: str, token: bytes, *parts: bytes, gives: Any
    ) -> dict[str, Any]:
        texts = [text.decode() for each in gives for text in each]
        return _entry(name, why, token, *parts, result="ok", gives=texts)

    both = [slot(one, one.names[0], org) for org in (BX, CW)]
    first = two.compartments[:1]
    return [
        ok("one", "One compartment, one member.", one.token, part(one), gives=one.compartments),
        ok(
            "to-two", "Of several members each finds its own.", one.token,
            part(one, to=both), gives=one.compartments,
        ),
        ok(
            "one-of-two", "What is sealed to others is passed over.", two.token,
            part(two), part(two, 1, to=[slot(two, two.names[1], CW)]), gives=first,
        ),
        ok(
            "two", "Both compartments are for this member.", two.token,
            part(two), part(two, 1), gives=two.compartments,
        ),
        ok(
            "beside-a-cut-copy", "What came in the open was cut on the way.",
            joined(one.jwt, []), part(one), gives=one.compartments,
        ),
    ]  # fmt: skip


def _bad(one: Record, two: Record) -> list[dict[str, Any]]:
    def no(
        name: str, reason: str, why: str, token: bytes, *parts: bytes
    ) -> dict[str, Any]:
        return _entry(name, why, token, *parts, result="refused", reason=reason)

    name = one.names[0]
    twin = Record("sealed-one", severity="low")
    assert twin.names == one.names
    kid = kid_of(BX)
    flipped = bytearray(content(one, name, filled(FILL.join(one.compartments[0]))))
    flipped[-1] ^= 1
    less = one.compartments[0][:1]
    stray = [*one.compartments[0], b64(b'["' + b"s" * 22 + b'","x"]')]
    cut = content(one, name, filled(FILL.join(one.compartments[0])))[:-1]
    open_red = joined(one.jwt, [*one.open, *one.compartments[0]])
    return [
        no("moved", "sealed-broken", "Another token, though it states the very same compartment.", twin.token, part(one)),
        no(
            "for-another", "sealed-for-others", "It is for another member alone.",
            one.token, part(one, to=[slot(one, name, CW)]),
        ),
        no(
            "of-another-member", "sealed-broken", "Another member's key under this name.",
            one.token, part(one, to=[slot(one, name, CW, kid=kid)]),
        ),
        no(
            "under-another-name", "sealed-broken", "The compartment of one is said to be another's.",
            two.token, part(two, name=two.names[1]),
        ),
        no(
            "content-of-another", "sealed-broken", "The content of one compartment under the key of another.",
            two.token, part(two, content=content(two, two.names[1], filled(b"A"))),
        ),
        no("changed", "sealed-broken", "One bit of the tag.", one.token, part(one, content=bytes(flipped))),
        no("cut", "sealed-shape", "The last byte is missing.", one.token, part(one, content=cut)),
        no(
            "less", "sealed-mismatch", "A disclosure of the compartment is missing.",
            one.token, part(one, plain=filled(FILL.join(less))),
        ),
        no(
            "more", "sealed-mismatch", "A disclosure more than the name covers.",
            one.token, part(one, plain=filled(FILL.join(stray))),
        ),
        no("unknown", "sealed-unknown", "The issuer has signed no such name.", one.token, _unknown(one, stray)),
        no("none", "sealed-for-others", "A record to which nothing is sealed.", joined(one.jwt, one.open), *[part(one, to=[slot(one, name, CW)])]),
        no("red-in-the-open", "needs-sealing", "RED travels sealed only.", open_red, part(one)),
        no("filled-up-too-far", "sealed-shape", "More was filled up than the step.", one.token, part(one, plain=filled(FILL.join(one.compartments[0])) + FILL * 1024)),
        no("an-empty-disclosure", "sealed-shape", "Nothing stands between two tildes.", one.token, part(one, plain=filled(FILL + FILL.join(one.compartments[0])))),
    ]  # fmt: skip


def _unknown(record: Record, texts: list[bytes]) -> bytes:
    name = full_of(texts)
    plain = filled(FILL.join(texts))
    return part(
        record,
        name=name,
        to=[slot(record, name, BX)],
        content=content(record, name, plain),
    )


def _bad_forms(one: Record) -> list[dict[str, Any]]:
    name, to = one.names[0], [slot(one, one.names[0], BX)]
    good = {"seal": 1, "compartment": name, "to": to}
    forms = {
        "no-json": b"seal",
        "a-space": spell(good).replace(b":1", b": 1", 1),
        "another-order": spell(dict(reversed(good.items()))),
        "another-version": spell(good | {"seal": 2}),
        "one-member-more": spell(good | {"alg": "none"}),
        "nobody": spell(good | {"to": []}),
        "twice-the-same": spell(good | {"to": to * 2}),
        "257-members": spell(good | {"to": to * 257}),
        "a-short-key": spell(good | {"to": [to[0] | {"key": "AAAA"}]}),
        "no-kid": spell(good | {"to": [to[0] | {"kid": BX}]}),
        "no-name": spell(good | {"compartment": "red"}),
    }
    return [
        _entry(
            f"head-{fault}", f"The head is not of its form: {fault.replace('-', ' ')}.",
            one.token, part(one, head=head), result="refused", reason="sealed-shape",
        )
        for fault, head in forms.items()
    ]  # fmt: skip
