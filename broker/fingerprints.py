"""Whether two records say the same, whatever salts and ids they travel with. Pure."""

import hashlib

from broker.signing import Address
from schemas import codec, stix
from schemas.record import Draft, Need


def fingerprint(
    draft: Draft, address: Address, *, exercise: bool, need: Need | None = None
) -> bytes:
    """Hash all that the issuer says, and who is to sign it."""
    said = [
        draft.kind,
        draft.tlp.label,
        draft.primary,
        exercise,
        [list(address.communities), list(address.to), list(address.concerns)],
        [stix.encode_object(each) for each in draft.objects],
    ]
    if need is not None:
        said.append([need.threshold, list(need.iss)])
    return hashlib.sha256(codec.encode_json(said)).digest()
