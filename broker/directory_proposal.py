"""A proposal: a change, the bytes that follow from it, and who has signed them. Pure.

The form of the one file that groups hand to each other. Nothing in it is believed: the
bytes are derived anew (`directory_change`), signatures that do not hold do not count.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta
from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata, Root, Targets

from broker.directory_change import Change, Result, moment, result_of
from broker.directory_roles import party_of, tuf_key
from broker.directory_state import State, fingerprint
from broker.errors import TrustError
from broker.keys import Jwk
from schemas import codec
from schemas.errors import RefusedError

MAX_BYTES: Final = 8 << 20
"""targets.json of 20,000 members, and some thousand entries. Read, whatever it says, it
takes up to fifty times as much memory: JSON of lists in lists does."""
MAX_AGE: Final = timedelta(days=30)
"""What nobody has agreed to in a month is proposed anew: who signed it may have
forgotten that somebody still could publish it."""
_SKEW: Final = timedelta(seconds=120)
_MAX_SIGNATURES: Final = 64
Role = Annotated[str, Meta(max_length=60)]


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that a change starts from; SHA-256 (hexadecimal) of what it signs."""

    version: int
    sha256: str


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes to sign, as text (canonical JSON), and signatures (hex) by id of key."""

    signed: str
    signatures: Annotated[dict[str, str], Meta(max_length=_MAX_SIGNATURES)] = {}


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file.

    Attributes:
        made: RFC 3339, to the second.
        base: By role that is to be signed anew; none of what is new.
    """

    form: Literal["tocsin-directory-proposal-1"] = "tocsin-directory-proposal-1"
    title: Annotated[str, Meta(min_length=3, max_length=200)]
    author: Annotated[str, Meta(max_length=100)] = ""
    made: str
    base: dict[Role, Base]
    change: Change
    documents: dict[Role, Document]


class Standing(msgspec.Struct, frozen=True):
    """Who has signed one role of a proposal, and who could.

    Attributes:
        role: `root`, `targets`, `suspensions-<party>`.
        needed: Signatures that are still missing.
        signed: Parties whose signatures hold.
        waiting: Parties whose signature would count.
        outgoing: Whether this is about the groups that a new root replaces, who must
            agree as well (TUF 5.3.4).
        keyids: Keys behind *signed*.
    """

    role: str
    needed: int
    signed: tuple[str, ...]
    waiting: tuple[str, ...]
    outgoing: bool = False
    keyids: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True):
    """A proposal whose bytes follow from what it says; made by `checked` alone.

    Attributes:
        result: What is to be signed, with the signatures that hold.
    """

    proposal: Proposal
    result: Result
    standing: tuple[Standing, ...]

    @property
    def complete(self) -> bool:
        """Whether enough groups have signed all of it."""
        return not any(each.needed for each in self.standing)


class Signs(Protocol):
    """A private key: `broker.signers.Signer`."""

    @property
    def jwk(self) -> Jwk:
        """The public key."""

    def sign(self, data: bytes) -> bytes:
        """Sign *data*."""


def propose(
    state: State | None, change: Change, *, title: str, author: str, made: str
) -> Proposal:
    """Write down *change* of *state*, for others to sign.

    Raises:
        TrustError: As `result_of`.
    """
    result = result_of(state, change, made)
    return Proposal(
        title=title,
        author=author,
        made=made,
        base=_base(state, result),
        change=change,
        documents={
            name: Document(role.signed_bytes.decode())
            for name, role in result.roles.items()
        },
    )


def _base(state: State | None, result: Result) -> dict[str, Base]:
    """Name the version of each role that a newer one is to follow."""
    held = {name: state.role(name) for name in result.roles} if state else {}
    return {
        name: Base(role.signed.version, fingerprint(role))
        for name, role in held.items()
        if role is not None
    }


def decode(data: bytes) -> Proposal:
    """Read the form of a proposal, nothing else.

    Raises:
        TrustError: `proposal-form`.
    """
    try:
        value = codec.decode_json(data, max_bytes=MAX_BYTES)
        return msgspec.convert(value, Proposal)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("proposal-form") from None


def encode(proposal: Proposal) -> bytes:
    """Write a proposal, for people to look into as well.

    Raises:
        TrustError: `too-large`: nobody would read it.
    """
    data = msgspec.json.format(msgspec.json.encode(proposal), indent=1) + b"\n"
    if len(data) > MAX_BYTES:
        raise TrustError("too-large")
    return data


def checked(state: State | None, proposal: Proposal, *, now: datetime) -> Checked:
    """Derive anew what *proposal* would make of *state*, and count who has signed.

    Raises:
        TrustError: `proposal-base` (it starts from another version), `proposal-stale`,
            `proposal-bytes` (what is to be signed does not follow from the change), or
            as `result_of`.
    """
    # Above all: what follows from another version would differ anyway.
    if bool(proposal.base) != (state is not None):
        raise TrustError("proposal-base")
    made = moment(proposal.made)
    if not now - MAX_AGE <= made <= now + _SKEW:
        raise TrustError("proposal-stale")
    if state is not None:
        for name, base in proposal.base.items():
            held = state.role(name)
            if held is None or base != Base(held.signed.version, fingerprint(held)):
                raise TrustError("proposal-base")
    result = result_of(state, proposal.change, proposal.made)
    stated = {name: each.signed for name, each in proposal.documents.items()}
    derived = {name: r.signed_bytes.decode() for name, r in result.roles.items()}
    if stated != derived or proposal.base != _base(state, result):
        raise TrustError("proposal-bytes")
    signed = {
        name: _with_signatures(role, proposal.documents[name].signatures)
        for name, role in result.roles.items()
    }
    result = msgspec.structs.replace(result, roles=signed)
    return Checked(proposal, result, tuple(_standing(state, signed)))


def _with_signatures(
    role: Metadata[Any], signatures: Mapping[str, str]
) -> Metadata[Any]:
    return Metadata(
        role.signed, {keyid: Signature(keyid, s) for keyid, s in signatures.items()}
    )


def _standing(
    state: State | None, roles: Mapping[str, Metadata[Any]]
) -> Iterable[Standing]:
    """Count, by the rules of python-tuf, each role under whom it answers to."""
    for name, role in roles.items():
        for above in _above(state, roles, name):
            is_old = name == Root.type and above is not role.signed
            yield _counted(name, role, above, outgoing=is_old)


def _above(
    state: State | None, roles: Mapping[str, Metadata[Any]], name: str
) -> Iterable[Root | Targets]:
    """Say by whose keys *name* is to be signed; root by the old ones as well."""
    if name == Root.type and state is not None:
        yield state.root.signed
    upper = Root.type if name in (Root.type, Targets.type) else Targets.type
    if upper in roles:
        yield roles[upper].signed
    else:
        assert state is not None  # noqa: S101  of a new one all is signed anew
        yield state.root.signed if upper == Root.type else state.targets.signed


def _signers(
    state: State | None, roles: Mapping[str, Metadata[Any]], name: str
) -> set[str]:
    return {
        keyid
        for above in _above(state, roles, name)
        for keyid in above.get_delegated_role(name).keyids
    }


def _counted(
    name: str,
    role: Metadata[Any],
    above: Root | Targets,
    *,
    outgoing: bool = False,
) -> Standing:
    found = above.get_verification_result(name, role.signed_bytes, role.signatures)
    return Standing(
        name,
        found.missing,
        tuple(sorted(map(party_of, found.signed.values()))),
        tuple(sorted(map(party_of, found.unsigned.values()))),
        outgoing,
        tuple(sorted(found.signed)),
    )


def sign(state: State | None, seen: Checked, key: Signs) -> Proposal:
    """Add the signatures of one key to whatever of it the key may sign.

    Raises:
        TrustError: `proposal-key`: its signature would count for nothing.
    """
    keyid = tuf_key(key.jwk, "").keyid
    roles = seen.result.roles
    own = [name for name in roles if keyid in _signers(state, roles, name)]
    if not own:
        raise TrustError("proposal-key")
    documents = dict(seen.proposal.documents)
    for name in own:
        held = documents[name]
        signature = key.sign(roles[name].signed_bytes).hex()
        documents[name] = Document(held.signed, {**held.signatures, keyid: signature})
    return msgspec.structs.replace(seen.proposal, documents=documents)


def merged(proposals: Iterable[Proposal]) -> Proposal:
    """Put together what several parties signed, each on a copy of its own.

    Raises:
        TrustError: `proposal-bytes`: they are not copies of one proposal.
    """
    first, *others = proposals
    documents = dict(first.documents)
    for other in others:
        if {n: d.signed for n, d in other.documents.items()} != {
            n: d.signed for n, d in documents.items()
        }:
            raise TrustError("proposal-bytes")
        for name, each in other.documents.items():
            known = documents[name].signatures
            documents[name] = Document(each.signed, {**each.signatures, **known})
    return msgspec.structs.replace(first, documents=documents)
