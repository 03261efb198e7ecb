"""Members, their keys and what they may do: one immutable snapshot. Pure.

Here it is decoded from plain member files (`members/<org>.json`); who may change
them is the business of whoever loads them (DESIGN.md 6).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, PublicKey, key_id
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.markings import Tlp
from schemas.record import ALL_COMMUNITY, CommunityUrn, Kind, Org, TlpLabel

Audience = Literal["peer-cert", "platform", "civil-society"]
DEFAULT_CLEARANCE: Final[Mapping[str, TlpLabel]] = MappingProxyType(
    {"peer-cert": "AMBER", "platform": "GREEN", "civil-society": "GREEN"}
)
_MAX_MEMBER_BYTES = 256 * 1024


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signing key of a member, with its validity.

    Attributes:
        not_before: RFC 3339; tokens issued earlier do not count.
        not_after: RFC 3339; tokens issued later do not count.
        revoked_at: RFC 3339; tokens first seen from then on do not count.
    """

    jwk: Jwk
    not_before: str
    not_after: str
    revoked_at: str | UnsetType = UNSET
    revocation_reason: str | UnsetType = UNSET


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation that the directory admits."""

    org: Org
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
    audience: Audience
    clearance: TlpLabel | UnsetType = UNSET
    languages: tuple[str, ...] = ()
    communities: tuple[CommunityUrn, ...] = (ALL_COMMUNITY,)
    jurisdiction: str = ""
    kinds: tuple[Kind, ...] = ()
    keys: tuple[KeyEntry, ...] = ()
    contacts: tuple[str, ...] = ()
    receipts: Literal["named", "audience"] = "audience"

    @property
    def highest_tlp(self) -> Tlp:
        """The highest TLP this member may receive."""
        label = self.clearance
        return Tlp.parse(DEFAULT_CLEARANCE[self.audience] if label is UNSET else label)


class KnownKey(msgspec.Struct, frozen=True):
    """A key with its owner; times in epoch seconds.

    Attributes:
        revoked_at: None while it is not revoked.
    """

    kid: str
    org: str
    key: PublicKey
    not_before: float
    not_after: float
    revoked_at: float | None


class Directory(msgspec.Struct, frozen=True):
    """The snapshot everything is decided on."""

    members: Mapping[str, Member]
    keys: Mapping[str, KnownKey]

    def key(self, kid: str) -> KnownKey:
        """Find a key.

        Raises:
            TrustError: `unknown-key`.
        """
        try:
            return self.keys[kid]
        except KeyError:
            raise TrustError("unknown-key") from None


def decode_member(data: bytes, where: str) -> Member:
    """Decode one member file.

    Raises:
        ConfigError: It is not what the directory defines.
    """
    try:
        value = codec.decode_json(data, where=where, max_bytes=_MAX_MEMBER_BYTES)
        return msgspec.convert(value, Member)
    except RefusedError as error:
        raise ConfigError(f"{where}: {error}") from None
    except msgspec.ValidationError as error:
        # msgspec's text quotes values; only its path is kept.
        path = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "`$`"
        raise ConfigError(f"{where}: not a member entry, see {path}") from None


def build(members: Iterable[Member]) -> Directory:
    """Index members and their keys.

    Raises:
        ConfigError: Two members of one name, one key with two owners, a time that
            is none.
    """
    by_name: dict[str, Member] = {}
    keys: dict[str, KnownKey] = {}
    thumbprints: set[str] = set()
    for member in members:
        if member.org in by_name:
            raise ConfigError(f"member {member.org} stands in the directory twice")
        by_name[member.org] = member
        for entry in member.keys:
            known = _known_key(member.org, entry)
            if known.key.thumbprint in thumbprints:
                raise ConfigError(f"key {known.kid} stands in the directory twice")
            thumbprints.add(known.key.thumbprint)
            keys[known.kid] = known
    return Directory(MappingProxyType(by_name), MappingProxyType(keys))


def single_key(org: str, jwk: Jwk) -> Directory:
    """Trust exactly one key of one organisation, for `tocsin verify --jwk`."""
    known = KnownKey(key_id(org, jwk), org, PublicKey(jwk), 0.0, float("inf"), None)
    return Directory(MappingProxyType({}), MappingProxyType({known.kid: known}))


def _known_key(org: str, entry: KeyEntry) -> KnownKey:
    kid = key_id(org, entry.jwk)
    if entry.jwk.kid is not UNSET and entry.jwk.kid != kid:
        raise ConfigError(f"member {org}: a key states another kid than {kid}")
    try:
        revoked = entry.revoked_at
        return KnownKey(
            kid,
            org,
            PublicKey(entry.jwk),
            timestamps.epoch(entry.not_before),
            timestamps.epoch(entry.not_after),
            None if revoked is UNSET else timestamps.epoch(revoked),
        )
    except (ValueError, TrustError):
        raise ConfigError(f"member {org}: key {kid} is not usable") from None
