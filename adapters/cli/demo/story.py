"""The play as facts: what the terminal shows and what `--json` prints. Pure."""

from typing import Any, Final

import msgspec

from adapters.cli.demo.attacks import Attack
from adapters.cli.demo.checks import Check, examine
from adapters.cli.demo.compare import COMPARED_FILE, Proof, Row, proofs, side_by_side
from adapters.cli.demo.facts import (
    COMPARED,
    Reason,
    Sight,
    reasons,
    sights,
)
from adapters.cli.demo.played import Played, Published
from adapters.cli.demo.refusals import refusal_of
from adapters.cli.demo.world import World
from adapters.explaining import as_sentence
from schemas.reasons import explain

AUDIENCE_WORDS: Final = {
    "peer-cert": "peer CERT",
    "platform": "platform",
    "civil-society": "civil society",
}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to tell.

    Attributes:
        proofs: Of the record compared: as published, then as received.
        bus: "embedded", or host and port of the RabbitMQ.
        seconds: From the first key to the last check.
    """

    world: World
    played: Played
    sights: tuple[Sight, ...]
    rows: tuple[Row, ...]
    proofs: tuple[Proof, ...]
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    bus: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return all(check.ok for check in self.checks)


def tell(
    world: World, played: Played, *, bus: str, seconds: float, now: float
) -> Story:
    """Draw the facts from what happened."""
    found = sights(played, world.members)
    return Story(
        world=world,
        played=played,
        sights=tuple(found),
        rows=tuple(side_by_side(found, world.policy)),
        proofs=proofs(found, world.directory, now=now),
        reasons=tuple(reasons(found, world.policy)),
        checks=tuple(examine(world, played, found, now=now)),
        bus=bus,
        seconds=seconds,
    )


def document(story: Story) -> dict[str, Any]:
    """Give the facts as one JSON value."""
    return {
        "ok": story.ok,
        "bus": story.bus,
        "seconds": round(story.seconds, 2),
        "policy": story.world.policy.name,
        "members": [
            {
                "org": member.org,
                "name": member.name,
                "audience": member.audience,
                "clearance": member.highest_tlp.label,
                "publishes": list(member.kinds),
            }
            for member in story.world.members
        ],
        "published": [_published(each) for each in story.played.published],
        "deliveries": [_delivery(sight) for sight in story.sights],
        "compared": {
            "file": COMPARED_FILE,
            "members": list(COMPARED),
            "rows": msgspec.to_builtins(story.rows),
            "proofs": msgspec.to_builtins(story.proofs),
        },
        "withheld": msgspec.to_builtins(story.reasons),
        "attacks": [_attack(story.played, each) for each in story.played.attacks],
        "checks": msgspec.to_builtins(story.checks),
    }


def _published(published: Published) -> dict[str, Any]:
    claims = published.verified.claims
    return {
        "issuer": published.verified.issuer,
        "title": published.sample.title,
        "sentence": published.sample.sentence,
        "kind": claims.kind,
        "tlp": claims.tlp,
        "record": claims.sub,
        "version": claims.ver,
        "token": published.verified.token_id,
        "replaces": claims.sup or None,
    }


def _delivery(sight: Sight) -> dict[str, Any]:
    redacted, received = sight.redacted, sight.received
    return {
        "member": sight.member.org,
        "token": sight.published.verified.token_id,
        "given": received is not None,
        "number": None if received is None else received.number,
        "why_not": sight.refused and as_sentence(explain(sight.refused)),
        "withheld": {} if redacted is None else dict(sorted(redacted.reasons.items())),
    }


def _attack(played: Played, attack: Attack) -> dict[str, Any]:
    found = refusal_of(played, attack)
    return {
        "name": attack.name,
        "tried": attack.tried,
        "refused": found.reason,
        "meaning": found.reason and as_sentence(explain(found.reason)),
        "issuer_told": found.told,
        "reached": found.reached,
    }
