"""What signatures that a quantum computer cannot forge would cost (FIPS 204)."""

from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from broker import wire
from tests.bench.material import Case, medium, sample
from tests.bench.rounds import Report, Row, side_by_side

_KINDS = {
    "ML-DSA-44": mldsa.MLDSA44PrivateKey,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey,
}
_BASE64 = 4 / 3


def measure(*, quick: bool) -> Report:
    """Sign, verify and carry the same record, with Ed25519 and with each ML-DSA."""
    case = Case(medium(sample()))
    said = case.token.partition(b"~")[0].rpartition(b".")[0]
    classic = ed25519.Ed25519PrivateKey.generate()
    signature, public = classic.sign(said), classic.public_key()
    sides = {
        "sign, Ed25519": lambda: classic.sign(said),
        "verify, Ed25519": lambda: public.verify(signature, said),
        "strict verification": case.verify,
    }
    sizes: dict[str, int] = {}
    for name, kind in _KINDS.items():
        key = kind.generate()
        made, checks = key.sign(said), key.public_key()
        sizes[name] = len(made)
        sides[f"sign, {name}"] = lambda key=key: key.sign(said)
        sides[f"verify, {name}"] = lambda checks=checks, made=made: checks.verify(
            made, said
        )
        sides[f"strict verification and {name}"] = lambda checks=checks, made=made: (
            case.verify(),
            checks.verify(made, said),
        )
    found = side_by_side(sides, 3 if quick else 11)
    rows = [
        Row(side, anchor, found[side], found[anchor])
        for name in _KINDS
        for side, anchor in (
            (f"sign, {name}", "sign, Ed25519"),
            (f"verify, {name}", "verify, Ed25519"),
            (f"strict verification and {name}", "strict verification"),
        )
    ]
    carried = len(_packed(case.token))
    rows += [
        Row(
            f"record on the wire, and {name}", "record on the wire",
            (carried + size * _BASE64,), (carried,), "bytes", f"signature {size:,} B",
        )
        for name, size in sizes.items()
    ]  # fmt: skip
    return Report(
        "post-quantum: a second signature by ML-DSA",
        "Processor time of one call over the signing input of 22 objects "
        f"({len(said):,} bytes); on the wire: compressed, the second signature as "
        "base64url, which does not compress.",
        tuple(rows),
    )


def _packed(token: bytes) -> bytes:
    return wire.pack(token, message_id="x", routing_key="x", user_id="x").body
