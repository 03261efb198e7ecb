"""What attackers hold, and what the one who checks them knows.

An attack is a function of a `Case`: all that all members got of one or more records,
beside the whole records. It may look at the whole to tell whether a guess is right,
never to make the guess.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from adapters.pipeline import Context, Decided, Subscriber, decide
from adapters.pseudonyms import PseudonymKeys
from adapters.reviewing import Agreed
from adapters.scopes import Scopes
from broker.directory import Service, build
from broker.sdjwt import token_id
from broker.seen import STAMP_HEADER, make_stamp
from broker.topology import routing_key
from broker.trust import Verified
from broker.wire import pack
from schemas import profile
from tests.support import records
from tests.support.views import AUTHOR, DIRECTORY, NOW, POLICY, decoded, opened, strings

HUB: Final = records.signer("hub")
# The second period of pseudonyms is in another year.
LATE: Final = {"not_after": "2028-01-01T00:00:00Z"}
KNOWN: Final = build(
    (
        replace(member, keys=(records.key_entry(records.signer(org), **LATE),))
        for org, member in DIRECTORY.members.items()
    ),
    [
        Service(
            org="hub",
            name="Hub",
            services=("gate",),
            keys=(records.key_entry(HUB, **LATE),),
        )
    ],
)
KEYS: Final = PseudonymKeys("quarter", {"2026-Q4": b"k" * 32, "2027-Q1": b"l" * 32})
CONTEXT: Final = Context(
    directory=KNOWN,
    policy=POLICY,
    author=AUTHOR,
    pseudonyms=KEYS,
    signer=HUB,
    subscribers=(),
)
# One or two members of each audience, with whom records are addressed and concerned.
NAMED_PEER, NAMED_PLATFORM = "cert-named", "platform-lumen"
MEMBERS: Final[dict[str, dict[str, str]]] = {
    "cert-bv": {"audience": "peer-cert", "clearance": "AMBER"},
    NAMED_PEER: {"audience": "peer-cert", "clearance": "AMBER+STRICT"},
    "platform-far": {"audience": "platform", "clearance": "GREEN"},
    NAMED_PLATFORM: {"audience": "platform", "clearance": "AMBER"},
    "watch-all": {"audience": "civil-society"},
    "lab-all": {"audience": "research"},
    "reader-all": {"audience": "public"},
}


class Hit(msgspec.Struct, frozen=True):
    """Something that an attack found out.

    Attributes:
        leak: Kind of the leak, a key of `leaks.KNOWN`, or a bug.
        case: Where it was found.
        evidence: What shows it.
        amount: How much, where that can be measured.
    """

    leak: str
    case: str
    evidence: str
    amount: float | None = None


class Got(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """What one member was given of one version.

    Attributes:
        scope: Audience that its projected ids derive for.
        about: What else stands in its delivery: numbers, names, kinds.
        read: Verifies it; under the keys of `KNOWN` if not given.
    """

    member: str
    audience: str
    scope: str
    evidence: bytes
    projection: bytes
    receipt: bytes
    about: str = ""
    read: Callable[[bytes], Verified] | None = None

    @cached_property
    def opened(self) -> Verified:
        """The evidence as its reader checks it."""
        return (self.read or _opened)(self.evidence)

    @cached_property
    def bundle(self) -> list[dict[str, Any]]:
        return json.loads(self.projection)["objects"]

    @cached_property
    def account(self) -> dict[str, Any]:
        """The receipt."""
        return decoded(self.receipt)[1]

    @cached_property
    def texts(self) -> frozenset[bytes]:
        """The disclosures it has."""
        return frozenset(self.evidence.split(b"~")[1:-1])

    @cached_property
    def words(self) -> str:
        """All that it can read, decoded."""
        values = [
            *decoded(self.evidence),
            *decoded(self.receipt),
            json.loads(self.projection),
        ]
        return "\n".join([*(s for v in values for s in strings(v)), self.about])


class Secret(msgspec.Struct, frozen=True):
    """One value of a record, and the disclosures that it takes to read it."""

    index: int
    kind: str
    place: profile.Place
    value: Any
    needs: tuple[bytes, ...]

    @property
    def spelled(self) -> str:
        return f"{self.kind}.{profile.spell(self.place)}"

    def is_shown(self, texts: frozenset[bytes]) -> bool:
        return texts.issuperset(self.needs)


Give = Callable[..., tuple[Got, ...]]


class Version(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """One version of a record, whole, and what members got of it.

    Attributes:
        objects: As the issuer had them, before ids were replaced.
        sign: Signs other objects in the same way.
        give: Gives them to all members in the same way.
    """

    token: bytes
    got: tuple[Got, ...]
    objects: tuple[dict[str, Any], ...] = ()
    sign: Callable[[Sequence[dict[str, Any]]], bytes] | None = None
    give: Give | None = None
    read: Callable[[bytes], Verified] | None = None

    @cached_property
    def whole(self) -> Verified:
        return (self.read or _opened)(self.token)

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        return tuple(_secrets(self.whole))


class Case(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """One or more versions or records, and what members pool of them.

    Attributes:
        said: What the programs wrote elsewhere: log lines, errors, headers.
        probed: Whether attackers publish records of their own beside it.
    """

    name: str
    versions: tuple[Version, ...]
    said: str = ""
    probed: bool = False

    def hit(self, leak: str, evidence: str, *, amount: float | None = None) -> Hit:
        return Hit(leak, self.name, evidence, amount)


@lru_cache(maxsize=2048)
def _opened(data: bytes) -> Verified:
    return opened(data)


def _secrets(whole: Verified) -> Iterator[Secret]:
    texts = whole.opened.texts
    for i, plain in enumerate(whole.plain):
        origin = whole.origins[i]
        for place, value in profile.places(plain.items()):
            needs = [texts[origin.own]] if origin.own >= 0 else []
            slot = origin.slot(place)
            if slot is not None:
                needs.append(texts[slot])
            needs += [
                texts[index]
                for path, index in origin.slots.items()
                if path[: len(place)] == place and len(path) > len(place)
            ]
            yield Secret(i, str(plain["type"]), place, value, tuple(needs))


def give(
    token: bytes,
    *,
    seen: float = NOW,
    scopes: Scopes | None = None,
    context: Context = CONTEXT,
    members: dict[str, dict[str, str]] = MEMBERS,
    pos: int = 1,
    agreed: Agreed | None = None,
) -> tuple[Got, ...]:
    """Send a token through the pipeline, to all members at once."""
    stamp = make_stamp(
        HUB,
        token_id=token_id(token),
        seen=int(seen),
        pos=pos,
        prev="" if pos == 1 else "A" * 43,
    )
    message = replace(
        pack(token, message_id="m", routing_key="cert-aq.incident", user_id="gate"),
        headers={STAMP_HEADER: stamp},
    )
    subscribers = tuple(
        Subscriber(records.member(records.signer(org), **facts), ("siem",))
        for org, facts in members.items()
    )
    outcome = decide(
        message,
        replace(context, subscribers=subscribers),
        now=seen + 2,
        scopes=scopes or Scopes(),
        agreed=agreed,
    )
    if not isinstance(outcome, Decided):
        return ()
    has = scopes.received if scopes else {}
    # What the broker shows of it: to the hub alone, but whoever reads a dead letter...
    claims = _opened(token).claims
    key = routing_key(
        issuer=claims.iss.rpartition(":")[2],
        kind=claims.kind,
        tlp=claims.tlp,
        countries=claims.countries,
        sectors=claims.sectors,
        severity=claims.severity,
    )
    return tuple(
        Got(
            member=row.member,
            audience=members[row.member]["audience"],
            scope=row.scope,
            evidence=row.evidence,
            projection=row.projection,
            receipt=row.receipt,
            about=" ".join(
                [
                    key,
                    *(
                        str(getattr(row, name))
                        for name in row.__struct_fields__
                        # Nor the record as it came, which stays in the hub.
                        if name not in ("evidence", "projection", "receipt", "message")
                    ),
                ]
            ),
        )
        for row in outcome.rows
        # As the outbox stores them: a retraction for who may not have the record any
        # more goes to those alone that got an earlier version.
        if not row.missed or (row.member, row.sub) in has
    )


def withheld(version: Version, got: Got) -> list[Secret]:
    """List what the version holds and this member was not given."""
    return [s for s in version.secrets if not s.is_shown(got.texts)]


def pooled(version: Version) -> frozenset[bytes]:
    """All disclosures that members have together."""
    return frozenset().union(*(got.texts for got in version.got))


def leaves(value: Any) -> Iterator[str]:
    """List the texts in a value, without the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
