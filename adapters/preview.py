"""What each audience would get of a record, before it is signed for good.

Signed with a key of the moment, cut as the hub would cut it, and thrown away. Pure but
for the randomness it is given.
"""

from collections.abc import Callable, Mapping

import msgspec

from adapters.policy import Policy
from adapters.projection import Author, trial_author
from adapters.redaction import NotGivenError, redact
from adapters.view import View
from broker.blinding import BlindMap, own_id
from broker.directory import DEFAULT_CLEARANCE, Directory
from broker.signing import Address, RecordSigner, random_uuid, sign
from broker.trust import Verified, verify
from schemas import timestamps
from schemas.markings import Tlp
from schemas.record import Draft


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one audience gets.

    Attributes:
        refused: Why it gets nothing; "" if it gets something.
        shown: Objects it sees at least in part.
        types: The same by STIX type.
        cuts: Parts withheld, by reason.
    """

    audience: str
    clearance: str
    refused: str = ""
    shown: int = 0
    types: Mapping[str, int] = {}
    cuts: Mapping[str, int] = {}


def preview(
    draft: Draft,
    policy: Policy,
    *,
    signer: RecordSigner,
    directory: Directory,
    address: Address,
    identity: str | None,
    now: float,
    entropy: Callable[[int], bytes],
) -> list[Seen]:
    """Tell what each audience would get, at the clearance it has by default.

    Members count as named by the record if anybody is.

    Args:
        signer: A key of the moment.
        directory: Knows that key.
        identity: Id that the input gives the issuer's own identity.
        now: Epoch seconds.
        entropy: Gives n random bytes.

    Raises:
        SchemaError, TrustError: What signing or verifying would refuse.
    """
    verified = tried(
        draft,
        BlindMap(lambda: random_uuid(entropy), own_id(signer.org, identity)),
        signer=signer,
        directory=directory,
        address=address,
        now=now,
        entropy=entropy,
    )
    author = trial_author(entropy)
    communities = frozenset(verified.claims.aud)
    views = [
        View(
            audience=who,
            clearance=Tlp.parse(clearance),
            communities=communities,
            addressed=bool(address.to),
            concerned=bool(address.concerns),
        )
        for who, clearance in DEFAULT_CLEARANCE.items()
        if who in policy.with_rows
    ]
    written = timestamps.from_epoch(now)
    return [_seen(verified, view, policy, author, written) for view in views]


def tried(
    draft: Draft,
    blind_map: BlindMap,
    *,
    signer: RecordSigner,
    directory: Directory,
    address: Address,
    now: float,
    entropy: Callable[[int], bytes],
) -> Verified:
    """Sign a record for a trial, and take it as the hub would.

    Args:
        blind_map: Knows afterwards which id stands for which; the rest as for `preview`.
    """
    token = sign(
        draft,
        signer,
        blind_map=blind_map,
        now=int(now),
        entropy=entropy,
        address=address,
    )
    return verify(token, directory, now=now)


def _seen(
    verified: Verified, view: View, policy: Policy, author: Author, now: str
) -> Seen:
    who, clearance = view.audience, view.clearance.label
    try:
        redacted = redact(verified, view, policy, author=author, now=now)
    except NotGivenError as error:
        return Seen(audience=who, clearance=clearance, refused=error.reason)
    objects = msgspec.json.decode(redacted.projection)["objects"]
    types: dict[str, int] = {}
    for each in objects:
        if each["type"] not in ("marking-definition", "extension-definition"):
            types[each["type"]] = types.get(each["type"], 0) + 1
    return Seen(
        audience=who,
        clearance=clearance,
        shown=sum(types.values()),
        types=types,
        cuts=redacted.reasons,
    )
