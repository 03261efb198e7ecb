"""What the play leaves behind, as each party holds it. Edge: it reads the inboxes."""

import json
from pathlib import Path

import msgspec

from adapters.cli.demo.attacks import Attack
from adapters.cli.demo.cast import Sample
from adapters.cli.demo.webhook import Post
from adapters.pipeline import Context
from broker.bus import Message
from broker.trust import Verified


class Published(msgspec.Struct, frozen=True):
    """A record as it left its issuer.

    Attributes:
        token: With all its disclosures.
    """

    sample: Sample
    token: bytes
    verified: Verified


class Received(msgspec.Struct, frozen=True):
    """A delivery as it lies in the member's folder.

    Attributes:
        about: The bytes of `delivery.json`; number and token id are from there.
    """

    member: str
    folder: Path
    number: int
    token_id: str
    about: bytes
    evidence: bytes
    projection: bytes
    receipt: bytes


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened.

    Attributes:
        received: By member, in the order of delivery numbers.
        archived: Token ids that the gate accepted, in order.
        stamps: The gate's stamps of these, in the same order.
        dead: The dead letters.
        told: Refusals that came back to the issuers, as (reason, token id).
    """

    context: Context
    published: tuple[Published, ...]
    received: tuple[Received, ...]
    posts: tuple[Post, ...]
    archived: tuple[str, ...]
    stamps: tuple[str, ...]
    attacks: tuple[Attack, ...]
    dead: tuple[Message, ...]
    told: tuple[tuple[str, str], ...]


def read_inbox(member: str, folder: Path) -> list[Received]:
    """Read what the file sink of *member* has written."""
    found = []
    for each in sorted(folder.iterdir()):
        about = (each / "delivery.json").read_bytes()
        facts = json.loads(about)
        found.append(
            Received(
                member,
                each,
                facts["number"],
                facts["token_id"],
                about,
                (each / "evidence.sdjwt").read_bytes(),
                (each / "projection.json").read_bytes(),
                (each / "receipt.jwt").read_bytes(),
            )
        )
    return found
