"""Draft -> sealed record: signed twice, the first time with a key of the moment. Edge.

What is sealed, and who gets it, is decided on the record as a whole, verified like any
other. Its issuer's key never signs that: should it leak, nobody would believe it.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import signing
from broker.directory import single_key
from broker.seal_signing import Sealed, Sealer
from broker.signers import Signer
from broker.signing import RecordSigner
from schemas.record import Draft


def sign(
    draft: Draft,
    signer: RecordSigner,
    sealer: Sealer | None,
    *,
    now: float,
    entropy: Callable[[int], bytes],
    **more: Any,
) -> Sealed:
    """Sign *draft*, and seal of it what *sealer* says, if there is one.

    Args:
        now: Epoch seconds.
        more: As for `signing.sign`.

    Raises:
        TrustError, SchemaError: As *sealer* and `signing.sign`.
    """
    if sealer is None:
        token = signing.sign(draft, signer, now=int(now), entropy=entropy, **more)
        return Sealed(token, (), ())
    moment = Signer(signer.org, Ed25519PrivateKey.from_private_bytes(entropy(32)))
    whole = signing.sign(draft, moment, now=int(now), entropy=entropy, **more)
    return sealer(whole, single_key(moment.org, moment.jwk), signer, now)
