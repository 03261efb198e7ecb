"""Who plays in the demo, and what they publish: the shipped samples. Edge."""

import tomllib
from importlib import resources
from typing import Final

import msgspec

from adapters.sources import stix21
from broker.directory import Audience
from broker.signing import Address
from schemas import composing, record, timestamps
from schemas.record import Draft, Kind, Org
from schemas.vocabularies.words import TlpLabel

WEBHOOK_MEMBER: Final = "platform-orbit"


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record to be published, as `samples/index.toml` describes it.

    Attributes:
        title: Short, for tables.
        sentence: What it says, for people.
        only: Types of the objects to take from the file; all if empty.
    """

    file: str
    issuer: Org
    kind: Kind
    title: str
    tlp: TlpLabel
    communities: tuple[str, ...]
    to: tuple[Org, ...]
    concerns: tuple[Org, ...]
    sentence: str
    only: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """To whom it goes."""
        return Address(communities=self.communities, to=self.to, concerns=self.concerns)

    def draft(self, now: float) -> Draft:
        """Read and compose it, as `tocsin sign` would.

        With `only`, the objects are wrapped in a report called like the sample.
        """
        return self._composed(_samples(self.file), now)

    def another(self, now: float, case: str) -> Draft:
        """Compose the same about another case, whose primary object is *case*.

        Args:
            case: A random UUID.
        """
        draft, raw = self.draft(now), _samples(self.file)
        old = draft.objects[draft.primary].id
        new = f"{old.partition('--')[0]}--{case}"
        return self._composed(raw.replace(old.encode(), new.encode()), now)

    def _composed(self, raw: bytes, now: float) -> Draft:
        objects = stix21.read(raw)
        if self.only:
            objects = tuple(each for each in objects if each.type in self.only)
        return composing.compose(
            objects,
            now=timestamps.from_epoch(now),
            report=self.title if self.only else None,
            kind=self.kind,
        )


# The one record that not every member may have: a part of another sample, alone.
FOR_PEERS: Final = Sample(
    file="election-leak.json",
    issuer="cert-aq",
    kind="advisory",
    title="Planned seizure of a server",
    tlp="AMBER",
    communities=(record.ALL_COMMUNITY,),
    to=(),
    concerns=(),
    sentence="On which day the stolen copy will be seized, and whom not to warn.",
    only=("note",),
)


class Part(msgspec.Struct, frozen=True):
    """A member of the play; who has `kinds` may publish them.

    Attributes:
        identity: Id that the organisation's tools give its own STIX identity.
    """

    org: Org
    name: str
    country: str
    audience: Audience
    kinds: tuple[Kind, ...] = ()
    identity: str | None = None


CAST: Final = (
    Part(
        "cert-aq",
        "CERT Aquenia",
        "XA",
        "peer-cert",
        ("incident", "advisory", "correction", "retraction"),
        "identity--a9792279-41fa-4676-a1ed-488ffbc146f4",
    ),
    Part("cert-borea", "CERT Borea", "XB", "peer-cert"),
    Part(
        "platform-lumen",
        "Lumen Video Service",
        "XA",
        "platform",
        ("campaign", "feedback", "correction", "retraction"),
        "identity--603de62b-ae7a-41b2-a2da-2731a3b4f05a",
    ),
    Part(WEBHOOK_MEMBER, "Orbit", "XB", "platform"),
    Part(
        "monitor-veritas",
        "Veritas Election Monitor",
        "XA",
        "civil-society",
        ("advisory", "feedback"),
        "identity--73687e51-0409-499a-850f-17c1c5a8e56a",
    ),
)


def identity_of(org: str) -> str | None:
    """Give the id that a member's tools give its own STIX identity."""
    return next(each.identity for each in CAST if each.org == org)


def load_samples() -> tuple[Sample, ...]:
    """Read the shipped samples in publishing order, and the one for peers alone."""
    index = tomllib.loads(_samples("index.toml").decode())
    shipped = msgspec.convert(index["sample"], tuple[Sample, ...])
    first = [each.file for each in shipped].index(FOR_PEERS.file) + 1
    return (*shipped[:first], FOR_PEERS, *shipped[first:])


def _samples(name: str) -> bytes:
    return (resources.files("adapters.cli") / "samples" / name).read_bytes()
