"""Who signs the directory: the groups, the hub's online key, who may suspend. Pure.

TUF counts keys, so a group is exactly one key, and it says in the signed metadata whose
it is (`x-tocsin-party`). A key that stood there twice, under two names, would count
twice; here that is refused. Keys are Ed25519, as TUF and all its libraries know them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Role, Root, Targets

from broker import base64url
from broker.errors import TrustError
from broker.keys import Jwk, PublicKey
from schemas.record import Org

ROOT_LIFE: Final = timedelta(days=365)
TARGETS_LIFE: Final = timedelta(days=180)
SUSPENSIONS_LIFE: Final = timedelta(days=3650)
"""Longer than anybody waits: each suspension lapses by itself, and a party that signs
nothing for a year must not stop the directory of all."""
ONLINE_LIFE: Final = timedelta(days=7)  # the outage that is survived (DESIGN.md 6)
LEAST_THRESHOLD: Final = 2  # nobody alone
HUB: Final = "hub"  # the party of its on-call key, which suspends and nothing else
ONLINE: Final = "online"
PARTY_FIELD: Final = "x-tocsin-party"
_SUSPENSIONS: Final = "suspensions-"


class Keyring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every key that signs a part of the directory.

    Attributes:
        groups: Stakeholder groups, one key each: root and targets.
        threshold: How many of them it takes.
        online: The hub's: snapshot and timestamp, daily.
        suspending: By party, a group or `hub`: the key by which it suspends at once.
    """

    groups: Annotated[dict[Org, Jwk], Meta(min_length=2, max_length=16)]
    threshold: Annotated[int, Meta(ge=LEAST_THRESHOLD, le=16)]
    online: Jwk
    suspending: Annotated[dict[Org, Jwk], Meta(max_length=17)]


def bare(keyring: Keyring) -> Keyring:
    """Leave out what names a key: the metadata holds the key alone."""

    def plain(jwk: Jwk) -> Jwk:
        return msgspec.structs.replace(jwk, kid=msgspec.UNSET)

    return Keyring(
        {name: plain(jwk) for name, jwk in keyring.groups.items()},
        keyring.threshold,
        plain(keyring.online),
        {name: plain(jwk) for name, jwk in keyring.suspending.items()},
    )


def check(keyring: Keyring) -> None:
    """Check that nobody counts twice, and no party stands in for another.

    Raises:
        TrustError: `directory-roles`; `bad-key`.
    """
    groups = {name: _public(jwk) for name, jwk in keyring.groups.items()}
    suspending = {name: _public(jwk) for name, jwk in keyring.suspending.items()}
    whose = {key: name for name, key in groups.items()}
    if (
        not LEAST_THRESHOLD <= keyring.threshold <= len(groups)
        or len(whose) != len(groups)
        or not {HUB, ONLINE}.isdisjoint(groups)
        or not {*suspending} <= {*groups, HUB}
        or len({*suspending.values()}) != len(suspending)
        or any(whose.get(key, name) != name for name, key in suspending.items())
        or _public(keyring.online) in {*whose, *suspending.values()}
    ):
        raise TrustError("directory-roles")


def _public(jwk: Jwk) -> str:
    """Give the key itself, in one spelling."""
    PublicKey(jwk)
    if jwk.crv != "Ed25519":
        raise TrustError("bad-key")
    return base64url.decode(jwk.x.encode()).hex()


def tuf_key(jwk: Jwk, party: str) -> SSlibKey:
    """Give a key in TUF's form; its id follows from the key alone.

    Raises:
        TrustError: `bad-key`: not Ed25519.
    """
    raw = bytes.fromhex(_public(jwk))
    key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))
    key.unrecognized_fields[PARTY_FIELD] = party
    return key


def party_of(key: Key) -> str:
    """Say whose key of the metadata this is; "" if it does not say."""
    named = key.unrecognized_fields.get(PARTY_FIELD)
    return named if isinstance(named, str) else ""


def suspensions_role(party: str) -> str:
    """Name the role by which *party* suspends."""
    return _SUSPENSIONS + party


def suspensions_path(party: str) -> str:
    """Name the one file that role may state."""
    return f"suspensions/{party}.json"


def suspending_party(role: str) -> str:
    """Tell whose role this is; "" for one that does not suspend."""
    return role.removeprefix(_SUSPENSIONS) if role.startswith(_SUSPENSIONS) else ""


# ------------------------------------------------------------- keyring -> metadata


def root_of(keyring: Keyring, version: int, expires: datetime) -> Root:
    """Write a root."""
    root = Root(version=version, expires=expires, consistent_snapshot=True)
    for party, jwk in keyring.groups.items():
        for role in ("root", "targets"):
            root.add_key(tuf_key(jwk, party), role)
    for role in ("snapshot", "timestamp"):
        root.add_key(tuf_key(keyring.online, ONLINE), role)
    for role in ("root", "targets"):
        root.roles[role].threshold = keyring.threshold
    return root


def delegations_of(suspending: Mapping[str, Jwk]) -> Delegations:
    """Write who may suspend: a role each, for its own file alone."""
    keys = {party: tuf_key(jwk, party) for party, jwk in suspending.items()}
    return Delegations(
        {key.keyid: key for key in keys.values()},
        {
            suspensions_role(party): DelegatedRole(
                suspensions_role(party),
                [key.keyid],
                1,
                terminating=True,
                paths=[suspensions_path(party)],
            )
            for party, key in keys.items()
        },
    )


# ------------------------------------------------------------- metadata -> keyring


def keyring_of(root: Root, targets: Targets) -> Keyring:
    """Read who signs out of verified metadata.

    Raises:
        TrustError: `directory-roles`: the metadata is not of this form, so it was
            made by other means, and nobody could say who had signed.
    """
    by_groups, online = root.roles["root"], root.roles["timestamp"]
    delegated = targets.delegations
    try:
        keyring = Keyring(
            groups=_named(root.keys, by_groups),
            threshold=by_groups.threshold,
            online=_named(root.keys, online)[ONLINE],
            suspending={}
            if delegated is None
            else {
                party: _named(delegated.keys, role)[party]
                for name, role in (delegated.roles or {}).items()
                if (party := suspending_party(name))
            },
        )
        check(msgspec.convert(msgspec.to_builtins(keyring), Keyring))
    except (KeyError, ValueError, msgspec.ValidationError):
        raise TrustError("directory-roles") from None
    # What else the metadata may say, such as a second online key, would be lost.
    again = root_of(keyring, root.version, root.expires)
    if again.roles != root.roles or delegations_of(keyring.suspending) != delegated:
        raise TrustError("directory-roles")
    return keyring


def _named(keys: Mapping[str, Key], role: Role) -> dict[str, Jwk]:
    found: dict[str, Jwk] = {}
    for keyid in role.keyids:
        key = keys[keyid]
        raw = bytes.fromhex(str(key.keyval["public"]))
        x = base64url.encode(raw).decode()
        if key.keytype != "ed25519" or tuf_key(_okp(x), "").keyid != keyid:
            raise ValueError
        if party_of(key) in found:  # one group, two votes
            raise ValueError
        found[party_of(key)] = _okp(x)
    return found


def _okp(x: str) -> Jwk:
    return Jwk(kty="OKP", crv="Ed25519", x=x)
