"""What it costs to seal a compartment, to open it, and to carry it."""

import os

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker import sdjwt, seal
from broker.seal_keys import SUITES, PrivateSealingKey, SealingKey, SealingKind
from tests.bench.material import Case, medium, sample
from tests.bench.rounds import Report, Row, side_by_side

MEMBERS = 10


def _keys(kind: SealingKind) -> list[PrivateSealingKey]:
    def one(number: int) -> PrivateSealingKey:
        classic = X25519PrivateKey.generate()
        pair = (MLKEM768PrivateKey.generate(), classic)
        hybrid = kind != "X25519"
        return PrivateSealingKey(f"cert-{number}", pair if hybrid else classic)

    return [one(number) for number in range(MEMBERS)]


def measure(*, quick: bool) -> Report:
    """Seal part of a record to ten members, and the same bytes barely to one."""
    case = Case(medium(sample()))
    token_id = sdjwt.token_id(case.token)
    texts = sdjwt.split(case.token)[1][:20]
    plain = b"~".join(texts)
    sides, sizes = {}, {}
    for kind, suite in SUITES.items():
        keys = _keys(kind)
        to = [seal.Recipient(key.kid, SealingKey(key.jwk)) for key in keys]
        bare = to[0].key._key
        part = seal.read(seal.make(texts, token_id, to, entropy=os.urandom))
        sizes[kind] = len(seal.spell(part))
        sides |= {
            f"bare HPKE seal, {kind}": lambda suite=suite, bare=bare: suite.encrypt(
                plain, bare, b"info"
            ),
            f"seal to {MEMBERS}, {kind}": lambda to=to: seal.make(
                texts, token_id, to, entropy=os.urandom
            ),
            f"read and open, {kind}": lambda part=part, key=keys[-1]: seal.open_part(
                seal.read(seal.spell(part)), token_id, key
            ),
        }
    found = side_by_side(sides, 3 if quick else 11)
    rows = []
    for kind in SUITES:
        anchor = f"bare HPKE seal, {kind}"
        rows += [
            Row(side, anchor, found[side], found[anchor])
            for side in (f"seal to {MEMBERS}, {kind}", f"read and open, {kind}")
        ]
        size = sizes[kind]
        rows.append(
            Row(
                f"part for {MEMBERS}, {kind}",
                "what is sealed",
                (size,),
                (len(plain),),
                "bytes",
            )
        )
    return Report(
        "seal: a compartment to ten members",
        f"Processor time of sealing {len(texts)} disclosures ({len(plain):,} bytes) as "
        f"one part to {MEMBERS} members, and of opening it as one of them, against one "
        "HPKE seal of the same bytes to one key by the library alone.",
        tuple(rows),
    )
