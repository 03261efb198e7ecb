"""Records to measure with: the fictional samples, whole and cut, and their parts."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from adapters.cli.load import load_policy
from adapters.policy import Policy
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys, Pseudonyms
from adapters.reading import Reading
from adapters.redaction import Redacted, redact
from adapters.sources import stix21
from adapters.view import View, view_of
from broker import base64url, sdjwt, signing, trust
from broker import seen as chain
from broker.blinding import BlindMap, own_id
from broker.directory import Audience, Directory, KeyEntry, Member, Service, build
from broker.signers import Signer
from broker.trust import Verified
from schemas import composing, record, timestamps
from schemas.markings import Tlp
from schemas.record import Draft

SAMPLES = Path(__file__).parents[2] / "adapters/cli/samples"
ISSUER = "cert-aq"
AUDIENCES: tuple[Audience, ...] = ("peer-cert", "platform", "civil-society")
NOW = 1_800_000_000  # every sample is older, every key below is valid then
SMALL = 6  # objects of the cut record
MEDIUM = 22
_SMALL_TYPES = ("identity", "incident", "indicator", "attack-pattern")

KEYS = PseudonymKeys("quarter", {"2027-Q1": bytes(range(32))})
AUTHOR = Author(
    org="hub",
    name="Tocsin Hub",
    id_key=bytes(32),
    pseudonyms=Pseudonyms("2027-Q1", bytes(range(32))),
)


def sample(name: str = "bank-phishing.json") -> bytes:
    return (SAMPLES / name).read_bytes()


def small(bundle: bytes) -> bytes:
    """Cut to six objects: issuer, incident, indicator, technique, their relations."""
    everything = msgspec.json.decode(bundle)["objects"]
    kept = [next(o for o in everything if o["type"] == t) for t in _SMALL_TYPES]
    ids = {o["id"] for o in kept}
    kept += [
        o
        for o in everything
        if o["type"] == "relationship" and {o["source_ref"], o["target_ref"]} <= ids
    ]
    assert len(kept) == SMALL, [o["type"] for o in kept]
    return msgspec.json.encode({"type": "bundle", "objects": kept})


def medium(bundle: bytes) -> bytes:
    """Cut to 22 objects: all but the last relations."""
    everything = msgspec.json.decode(bundle)["objects"]
    last = sorted(everything, key=lambda o: o["type"] == "relationship")
    assert last[MEDIUM]["type"] == "relationship"
    return msgspec.json.encode({"type": "bundle", "objects": last[:MEDIUM]})


def another(bundle: bytes) -> bytes:
    """Give the same bundle about another case: its primary object's id is new."""
    objects = stix21.read(bundle)
    main = objects[record.find_primary(objects)].id
    new = f"{main.partition('--')[0]}--{uuid.uuid4()}"
    return bundle.replace(main.encode(), new.encode())


def compose(bundle: bytes, *, now: int = NOW, **options: Any) -> Draft:
    moment = timestamps.from_epoch(now)
    return composing.compose(stix21.read(bundle), now=moment, **options)


def sign(draft: Draft, signer: Signer, *, now: int = NOW, **options: Any) -> bytes:
    # As a publisher does that is told which identity is its own.
    creator = draft.objects[draft.primary].created_by_ref
    own = own_id(signer.org, creator or None)
    ids = BlindMap(lambda: signing.random_uuid(os.urandom), own)
    return signing.sign(
        draft, signer, blind_map=ids, entropy=os.urandom, now=now, **options
    )


def members() -> tuple[Member, ...]:
    """One member of each audience."""
    return tuple(
        Member(org=f"member-{each}", name=each, country="XA", audience=each)
        for each in AUDIENCES
    )


@dataclass
class Case:
    """One record on its whole way, each step made when it is first asked for."""

    bundle: bytes
    wrap: bool = False

    @cached_property
    def signer(self) -> Signer:
        return Signer(ISSUER, Ed25519PrivateKey.generate())

    @cached_property
    def hub(self) -> Signer:
        return Signer(AUTHOR.org, Ed25519PrivateKey.generate())

    @cached_property
    def stamp(self) -> str:
        """The gate's, as every adapter gets it with the token."""
        name = sdjwt.token_id(self.token)
        return chain.make_stamp(self.hub, token_id=name, seen=NOW, pos=1, prev="")

    @cached_property
    def seen(self) -> chain.Seen:
        return chain.Seen(chain.verify_stamp(self.stamp, self.directory, now=NOW))

    @cached_property
    def policy(self) -> Policy:
        return load_policy(None)

    @cached_property
    def directory(self) -> Directory:
        days = ("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
        key, of_hub = (KeyEntry(s.jwk, *days) for s in (self.signer, self.hub))
        issuer = Member(
            org=ISSUER,
            name="CERT Aquenia",
            country="XA",
            audience="peer-cert",
            kinds=("incident", "advisory", "campaign"),
            keys=(key,),
        )
        hub = Service(
            org=AUTHOR.org, name=AUTHOR.name, services=("gate",), keys=(of_hub,)
        )
        return build([issuer, *members()], [hub])

    def compose(self) -> Draft:
        if self.wrap:
            return compose(self.bundle, report="Indicators", tlp=Tlp.CLEAR)
        return compose(self.bundle)

    @cached_property
    def draft(self) -> Draft:
        return self.compose()

    def sign(self) -> bytes:
        return sign(self.draft, self.signer)

    @cached_property
    def token(self) -> bytes:
        return self.sign()

    def verify(self) -> Verified:
        return trust.verify(self.token, self.directory, now=NOW)

    @cached_property
    def verified(self) -> Verified:
        return self.verify()

    def redact(self, view: View, reading: Reading | None = None) -> Redacted:
        moment = timestamps.from_epoch(NOW)
        return redact(
            self.verified,
            view,
            self.policy,
            author=AUTHOR,
            now=moment,
            reading=reading,
        )

    def views(self) -> dict[str, View]:
        return {m.audience: view_of(m, self.verified.claims) for m in members()}

    @cached_property
    def plain(self) -> bytes:
        """The bundle that the token carries, as plain JSON without spaces."""
        objects = list(self.verified.plain)
        return msgspec.json.encode({"type": "bundle", "objects": objects})

    def limit(self) -> Callable[[], object]:
        """Verify the signed bytes, decode the plain bundle: nothing can do less."""
        jwt = self.token.partition(b"~")[0]
        signing_input, _, signature = jwt.rpartition(b".")
        raw = base64url.decode(self.signer.jwk.x.encode())
        key = Ed25519PublicKey.from_public_bytes(raw)
        binary = base64url.decode(signature)
        plain, decode = self.plain, msgspec.json.decode

        def both() -> object:
            key.verify(binary, signing_input)
            return decode(plain)

        return both

    def describe(self) -> str:
        return (
            f"{len(self.draft.objects)} objects, {len(self.plain) / 1024:,.1f} KiB of "
            f"plain JSON, {len(self.verified.opened.disclosures)} disclosures, "
            f"{len(self.token) / 1024:,.1f} KiB token"
        )
