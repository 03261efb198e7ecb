"""Members, the hub's services, their keys, what they may do: one snapshot. Pure.

Here it is decoded from plain files (`members/<org>.json`, `services/<org>.json`);
who may change them is the business of whoever loads them (DESIGN.md 6).

Nobody is both member and service: the hub redacts and never authors, and both would
share the names of their keys and the URN that they sign under.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, PublicKey, key_id
from broker.seal_keys import SealingJwk, SealingKey, sealing_key_id
from broker.suspending import Span, confirmed
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.markings import Tlp
from schemas.record import ALL_COMMUNITY, CommunityUrn, Kind, Org
from schemas.vocabularies.words import TlpLabel

Audience = Literal["peer-cert", "platform", "civil-society", "research", "public"]
DEFAULT_CLEARANCE: Final[Mapping[Audience, TlpLabel]] = MappingProxyType(
    {
        "peer-cert": "AMBER",
        "platform": "GREEN",
        "civil-society": "GREEN",
        "research": "GREEN",
        "public": "CLEAR",
    }
)
ServiceName = Literal["gate", "adapter"]
# A closed list: what becomes of what was signed before follows from it.
RevocationReason = Literal["compromised", "superseded", "retired"]
MAX_ENTRY_BYTES: Final = 256 * 1024
MAX_POLICY_BYTES: Final = 1 << 20  # the shipped one has 54 KB
MAX_POLICIES: Final = 16


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signing key, with its validity.

    Attributes:
        not_before: RFC 3339; what was signed earlier does not count.
        not_after: RFC 3339; what was signed later does not count.
        revoked_at: RFC 3339. Of a member: tokens first seen from then on do not
            count. Of a service: what it signs from then on does not; nor, of a
            compromised one, anything that it ever signed.
        revocation_reason: Given with `revoked_at` alone; `compromised` (somebody else
            may have the key) where it is not.
    """

    jwk: Jwk
    not_before: str
    not_after: str
    revoked_at: str | UnsetType = UNSET
    revocation_reason: RevocationReason | UnsetType = UNSET


class Suspended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the threshold says of a member: suspended, until it says otherwise.

    Attributes:
        since: RFC 3339.
    """

    since: str
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class SealingEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key that parts are sealed to, with its validity (RFC 3339).

    Attributes:
        revoked_at: From then on nothing is sealed to it; what was, it still opens.
    """

    jwk: SealingJwk
    not_before: str
    not_after: str
    revoked_at: str | UnsetType = UNSET
    revocation_reason: RevocationReason | UnsetType = UNSET


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation that the directory admits.

    Attributes:
        exercise: It is here to practise: what it publishes must say that it is an
            exercise, and it receives nothing else.
        sealing: Keys that parts of records are sealed to for it (`broker.seal`).
    """

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
    sealing: Annotated[tuple[SealingEntry, ...], Meta(max_length=8)] = ()
    contacts: tuple[str, ...] = ()
    receipts: Literal["named", "audience"] = "audience"
    exercise: bool = False
    suspended: Suspended | UnsetType = UNSET

    @property
    def highest_tlp(self) -> Tlp:
        """The highest TLP this member may receive."""
        label = self.clearance
        return Tlp.parse(DEFAULT_CLEARANCE[self.audience] if label is UNSET else label)


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub, or a part of it that has keys of its own.

    Attributes:
        services: What its keys sign: stamps and heads of the chain (gate),
            receipts (adapter).
    """

    org: Org
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    services: Annotated[tuple[ServiceName, ...], Meta(min_length=1)]
    keys: Annotated[tuple[KeyEntry, ...], Meta(min_length=1)]


class KnownKey(msgspec.Struct, frozen=True):
    """A key with its owner; times in epoch seconds.

    Attributes:
        revoked_at: None while it is not revoked.
        revoked_as: Means something only once it is.
    """

    kid: str
    org: str
    key: PublicKey
    not_before: float
    not_after: float
    revoked_at: float | None
    revoked_as: RevocationReason = "compromised"

    def signs_at(self, moment: float) -> bool:
        """Tell whether what it signs at *moment* counts."""
        is_valid = self.not_before <= moment <= self.not_after
        return is_valid and (self.revoked_at is None or moment < self.revoked_at)

    def is_compromised(self, now: float) -> bool:
        """Tell whether somebody else may sign with it, whatever moment is stated."""
        return (
            self.revoked_at is not None
            and now >= self.revoked_at
            and self.revoked_as == "compromised"
        )


class KnownSealingKey(msgspec.Struct, frozen=True):
    """A key to seal to, with its owner; times in epoch seconds.

    Attributes:
        revoked_at: None while it is not revoked.
    """

    kid: str
    org: str
    key: SealingKey
    not_before: float
    not_after: float
    revoked_at: float | None


class ServiceKey(msgspec.Struct, frozen=True):
    """A key of the hub, and what it may sign."""

    key: KnownKey
    services: frozenset[ServiceName]


class Agreed(msgspec.Struct, frozen=True):
    """Which policies a client has seen signed, and which of them it saw replaced.

    Attributes:
        since: Epoch seconds; of what held before, it knows nothing.
        until: By id and hex SHA-256, when it first saw a directory without that
            policy; infinity while it holds.
    """

    since: float
    until: Mapping[tuple[str, str], float]


class Directory(msgspec.Struct, frozen=True):
    """The snapshot everything is decided on.

    Attributes:
        keys: Of members, by name. They sign records.
        services: Keys of the hub, by name. They never sign records, nor do those
            of members sign what services do.
        suspensions: By organisation or key, those that hold, will, or did.
        expires: Epoch seconds; from then on nothing may be decided on it.
        sealing: Keys to seal to, by member.
        policies: Redaction policies by id, as they were written; what they say is
            the business of `adapters.policy`.
        is_signed: Whether a threshold of groups signed all this; plain files are
            their writer's word alone.
        agreed: What is known of policies that were signed, these among them; None
            where nobody signs.
    """

    members: Mapping[str, Member]
    keys: Mapping[str, KnownKey]
    services: Mapping[str, ServiceKey] = MappingProxyType({})
    suspensions: Mapping[str, tuple[Span, ...]] = MappingProxyType({})
    expires: float = float("inf")
    sealing: Mapping[str, tuple[KnownSealingKey, ...]] = MappingProxyType({})
    policies: Mapping[str, bytes] = MappingProxyType({})
    is_signed: bool = False
    agreed: Agreed | None = None

    def sealing_key(self, org: str, *, now: float) -> KnownSealingKey:
        """Find the key to seal to for a member: of those valid *now*, the newest.

        One alone: sealed to a classic and to a hybrid key, it were as weak as the first.

        Raises:
            TrustError: `no-sealing-key`, with the member as its place.
        """
        usable = [
            each
            for each in self.sealing.get(org, ())
            if each.not_before <= now <= each.not_after
            and (each.revoked_at is None or now < each.revoked_at)
            and not self.is_suspended(each.kid, now)
        ]
        if not usable or self.is_suspended(org, now):
            raise TrustError("no-sealing-key", org)
        return max(usable, key=lambda each: each.not_before)

    def key(self, kid: str) -> KnownKey:
        """Find a key of a member.

        Raises:
            TrustError: `unknown-key`.
        """
        try:
            return self.keys[kid]
        except KeyError:
            raise TrustError("unknown-key") from None

    def service_key(self, kid: str, service: ServiceName) -> KnownKey:
        """Find a key of the hub that signs for *service*.

        Raises:
            TrustError: `unknown-key`.
        """
        found = self.services.get(kid)
        if found is None or service not in found.services:
            raise TrustError("unknown-key")
        return found.key

    def is_suspended(self, subject: str, moment: float) -> bool:
        """Tell whether anybody suspends an organisation or a key at *moment*.

        Args:
            subject: `<org>` or `<org>/<key>`; the key's name does not ask for its
                organisation.
            moment: Epoch seconds. Of a record: when the gate first saw it.
        """
        return any(each.covers(moment) for each in self.suspensions.get(subject, ()))

    def need_standing(self, known: KnownKey, moment: float) -> None:
        """Check that neither a key nor its organisation is suspended at *moment*.

        Args:
            moment: Epoch seconds; see `is_suspended`.

        Raises:
            TrustError: `member-suspended`, `key-suspended`.
        """
        if self.is_suspended(known.org, moment):
            raise TrustError("member-suspended")
        if self.is_suspended(known.kid, moment):
            raise TrustError("key-suspended")

    def may_receive(self, org: str, now: float) -> bool:
        """Tell whether *org* is a member and not suspended."""
        return org in self.members and not self.is_suspended(org, now)

    def need_current(self, now: float) -> None:
        """Check that it may still be decided on.

        Raises:
            TrustError: `directory-expired`.
        """
        if now >= self.expires:
            raise TrustError("directory-expired")

    def stands(self, service: ServiceName, now: float) -> bool:
        """Tell whether any key listed for *service* is not suspended."""
        return any(
            service in each.services
            and not self.is_suspended(each.key.org, now)
            and not self.is_suspended(each.key.kid, now)
            for each in self.services.values()
        )

    def runs(self, service: ServiceName) -> bool:
        """Tell whether any key is listed for *service*."""
        return any(service in each.services for each in self.services.values())


_Entry = TypeVar("_Entry", Member, Service)


def decode_member(data: bytes, where: str) -> Member:
    """Decode one member file.

    Raises:
        ConfigError: It is not what the directory defines.
    """
    return _decode(data, where, Member)


def decode_service(data: bytes, where: str) -> Service:
    """Decode one file of a service.

    Raises:
        ConfigError: It is not what the directory defines.
    """
    return _decode(data, where, Service)


def _decode(data: bytes, where: str, kind: type[_Entry]) -> _Entry:
    try:
        value = codec.decode_json(data, where=where, max_bytes=MAX_ENTRY_BYTES)
        return msgspec.convert(value, kind)
    except RefusedError as error:
        raise ConfigError(f"{where}: {error}") from None
    except msgspec.ValidationError as error:
        # msgspec's text quotes values; only its path is kept.
        path = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "`$`"
        raise ConfigError(
            f"{where}: not a {kind.__name__.lower()} entry, see {path}"
        ) from None


def build(members: Iterable[Member], services: Iterable[Service] = ()) -> Directory:
    """Index members, services and their keys.

    Raises:
        ConfigError: Two entries of one name, one key with two owners, a time that
            is none.
    """
    by_name: dict[str, Member] = {}
    keys: dict[str, KnownKey] = {}
    of_services: dict[str, ServiceKey] = {}
    names: set[str] = set()
    thumbprints: set[str] = set()
    held: dict[str, tuple[Span, ...]] = {}
    sealing: dict[str, tuple[KnownSealingKey, ...]] = {}
    for member in members:
        if member.suspended is not UNSET:
            held[member.org] = (_confirmed(member.org, member.suspended),)
        by_name[member.org] = member
        sealing[member.org] = _sealing_keys(member, thumbprints)
        for known in _own_keys(member, names, thumbprints):
            keys[known.kid] = known
    for service in services:
        for known in _own_keys(service, names, thumbprints):
            of_services[known.kid] = ServiceKey(known, frozenset(service.services))
    # Dicts, though typed as what nobody changes: through a proxy every lookup would
    # take a quarter longer.
    return Directory(by_name, keys, of_services, sealing=sealing, suspensions=held)


def _confirmed(org: str, suspended: Suspended) -> Span:
    try:
        return confirmed(org, suspended.since)
    except RefusedError:
        raise ConfigError(f"{org}: suspended.since is no time") from None


def need_few(policies: int) -> None:
    """Check how many policies a directory has.

    Raises:
        ConfigError: More than 16.
    """
    if policies > MAX_POLICIES:
        raise ConfigError(f"a directory has at most {MAX_POLICIES} policies")


def under(directory: Directory, held: Iterable[Span], *, expires: float) -> Directory:
    """Give *directory* with what single parties suspend, until *expires*.

    Args:
        held: Besides those of the threshold, which stand in the entries.
        expires: Epoch seconds.
    """
    found = dict(directory.suspensions)
    for each in held:
        found[each.subject] = (*found.get(each.subject, ()), each)
    return msgspec.structs.replace(directory, suspensions=found, expires=expires)


def _own_keys(
    entry: Member | Service, names: set[str], thumbprints: set[str]
) -> list[KnownKey]:
    """Read the keys of *entry*, and note its name and them as taken."""
    if entry.org in names:
        raise ConfigError(f"{entry.org} stands in the directory twice")
    names.add(entry.org)
    known = [_known_key(entry.org, each) for each in entry.keys]
    for each in known:
        if each.key.thumbprint in thumbprints:
            raise ConfigError(f"key {each.kid} stands in the directory twice")
        thumbprints.add(each.key.thumbprint)
    return known


def single_key(org: str, jwk: Jwk) -> Directory:
    """Trust exactly one key of one organisation, for `tocsin verify --jwk`."""
    known = KnownKey(key_id(org, jwk), org, PublicKey(jwk), 0.0, float("inf"), None)
    return Directory({}, {known.kid: known})


def _known_key(org: str, entry: KeyEntry) -> KnownKey:
    kid = key_id(org, entry.jwk)
    if entry.jwk.kid is not UNSET and entry.jwk.kid != kid:
        raise ConfigError(f"{org}: a key states another kid than {kid}")
    try:
        revoked = entry.revoked_at
        reason = entry.revocation_reason
        if revoked is UNSET and reason is not UNSET:
            raise ValueError
        return KnownKey(
            kid,
            org,
            PublicKey(entry.jwk),
            timestamps.epoch(entry.not_before),
            timestamps.epoch(entry.not_after),
            None if revoked is UNSET else timestamps.epoch(revoked),
            "compromised" if reason is UNSET else reason,
        )
    except (ValueError, TrustError):
        raise ConfigError(f"{org}: key {kid} is not usable") from None


def _sealing_keys(member: Member, thumbprints: set[str]) -> tuple[KnownSealingKey, ...]:
    """Read the keys to seal to, and note them as taken."""
    known = tuple(_known_sealing_key(member.org, each) for each in member.sealing)
    for each in known:
        if each.key.thumbprint in thumbprints:
            raise ConfigError(f"key {each.kid} stands in the directory twice")
        thumbprints.add(each.key.thumbprint)
    return known


def _known_sealing_key(org: str, entry: SealingEntry) -> KnownSealingKey:
    kid = sealing_key_id(org, entry.jwk)
    if entry.jwk.kid is not UNSET and entry.jwk.kid != kid:
        raise ConfigError(f"{org}: a sealing key states another kid than {kid}")
    try:
        revoked = entry.revoked_at
        return KnownSealingKey(
            kid,
            org,
            SealingKey(entry.jwk),
            timestamps.epoch(entry.not_before),
            timestamps.epoch(entry.not_after),
            None if revoked is UNSET else timestamps.epoch(revoked),
        )
    except (ValueError, TrustError):
        raise ConfigError(f"{org}: sealing key {kid} is not usable") from None
