"""What the gate decides about a heartbeat. Pure."""

from collections.abc import Collection

import msgspec

from broker import topology
from broker.bus import Message
from broker.following import Next, Place, follow
from broker.gate_rules import Duplicate, Envelope, Refuse
from broker.heartbeats import CONTENT_TYPE, Heartbeat, beat_id


class Pass(msgspec.Struct, frozen=True):
    """Pass it on.

    Attributes:
        lost: Newly listed records that never came: an alarm, and the issuer is told.
        lacks: All listed records that the hub did not take in.
        skipped: Records that were listed in heartbeats that never came: an alarm.
    """

    place: Place
    lost: tuple[str, ...]
    lacks: tuple[str, ...]
    skipped: int


Decision = Pass | Duplicate | Refuse


def is_heartbeat(message: Message) -> bool:
    """Tell whether *message* says that it holds a heartbeat."""
    return message.content_type == CONTENT_TYPE


def decide(
    issuer: str,
    beat: Heartbeat,
    envelope: Envelope,
    before: Place | None,
    *,
    known: Collection[str],
    refused: Collection[str],
) -> Decision:
    """Decide about one heartbeat.

    Args:
        issuer: Who signed it.
        before: The last heartbeat of its line.
        known: Those of the listed records that were accepted.
        refused: Those that were refused; their issuer was told so.
    """
    if issuer != envelope.issuer:
        return Refuse("user-id")
    key = topology.ingress_key(issuer=issuer, kind="heartbeat", tlp=beat.tlp)
    if envelope.routing_key != key:
        return Refuse("routing-key")
    match follow(before, beat):
        case "conflict":
            return Refuse("heartbeat-conflict")
        case Next(place=place, fresh=fresh, skipped=skipped):
            lacks = tuple(t.token_id for t in beat.ids if t.token_id not in known)
            told = {each.token_id for each in fresh} - set(refused)
            lost = tuple(each for each in lacks if each in told)
            return Pass(place, lost, lacks, skipped)
        case _:
            return Duplicate()


def passed_on(text: bytes, heard: bytes, issuer: str, tlp: str) -> Message:
    """Make the message that adapters get."""
    key = topology.routing_key(
        issuer=issuer, kind="heartbeat", tlp=tlp, severity="unknown"
    )
    return Message(
        body=text + b"\n" + heard,
        message_id=beat_id(text),
        routing_key=key,
        content_type=CONTENT_TYPE,
        user_id=topology.GATE,
    )
