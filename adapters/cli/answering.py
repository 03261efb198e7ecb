"""answer: what members tell each other about a record."""

import asyncio
import logging
import time
import uuid
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from adapters.cli import show
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.load import load_directory, read_file
from adapters.cli.options import DirectoryPlace
from adapters.cli.sending import opened, own_signer
from adapters.config import PublisherConfig, load
from broker import answers
from broker.answers import Action, Sighting, Taken
from broker.blinding import org_identity
from broker.errors import ConfigError
from broker.signers import Signer
from broker.signing import Address
from broker.topology import FEEDBACK
from broker.trust import Verified, verify
from schemas import composing, record, stix, timestamps
from schemas.markings import TLP_IDS, Tlp
from schemas.vocabularies.words import OpinionWord

_NAMESPACE: Final = uuid.UUID("b1c5d9a2-7a4e-4f7e-8d6a-3e0b9f4c2a58")
_T = TypeVar("_T")


def answer(
    token: Path,
    /,
    *,
    config: Path,
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    opinion: OpinionWord | None = None,
    note: str | None = None,
    sighting: bool = False,
    action: Action | None = None,
    count: int | None = None,
    seen: str | None = None,
    lang: str | None = None,
    json: bool = False,
) -> int:
    """Answer somebody's record: opinion or note for all, sighting or action for its issuer.

    An opinion or a note is a record of your own, marked as that one is and addressed to
    the same communities and organisations and to its issuer. A sighting or an action goes to the issuer alone.

    Args:
        token: File with the record's evidence, as you received it.
        config: Publisher configuration (TOML).
        jwk: The issuer's public key, instead of a directory.
        opinion: How far you agree; --note gives the reason.
        note: Text for all who got the record.
        sighting: It was seen here too.
        action: What you did because of it.
        count: How many (sightings, postings, accounts, hosts).
        seen: When it was last seen here, such as 2026-11-02T08:15:00Z.
        lang: Language of the note (RFC 5646).
        json: Print JSON.
    """
    private = sighting or action is not None
    if private == (opinion is not None or note is not None):
        raise ConfigError(
            "give --opinion and/or --note, or one of --sighting and --action"
        )
    if sighting and action is not None:
        raise ConfigError("give one of --sighting and --action")
    if not private and (count is not None or seen is not None):
        raise ConfigError("--count and --seen belong to --sighting and --action")
    trusted = load_directory(directory, jwk)
    about = verify(read_file(token).strip(), trusted, now=time.time())
    settings = load(config, PublisherConfig)
    log_json(logging.WARNING)
    signer = own_signer(settings, exercise=private or about.claims.exercise)
    if private:
        told = _sighting(count, seen) if action is None else _taken(action, count)
        result = asyncio.run(_tell(settings, signer, about, told))
    else:
        draft = _feedback(about, signer.org, opinion, note, lang)
        result = asyncio.run(_publish(settings, signer, about, draft, as_json=json))
    if json:
        show.json_line({"ok": True, "about": about.claims.sub, **result})
    else:
        words = ", ".join(f"{name} {value}" for name, value in result.items())
        show.line(f"answered {about.claims.sub} of {about.issuer}: {words}")
    return 0


def _sighting(count: int | None, seen: str | None) -> Sighting:
    plain: dict[str, Any] = {"count": 1 if count is None else count}
    if seen is not None:
        plain["last_seen"] = seen
    return _fitting(plain, Sighting)


def _taken(action: Action, count: int | None) -> Taken:
    plain: dict[str, Any] = {"action": action}
    if count is not None:
        plain["count"] = count
    return _fitting(plain, Taken)


def _fitting(plain: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError:
        raise ConfigError(
            "--count is 1 to 999,999,999, --seen a time such as 2026-11-02T08:15:00Z"
        ) from None


def _feedback(
    about: Verified, org: str, opinion: str | None, note: str | None, lang: str | None
) -> record.Draft:
    """Make the record of an opinion or a note; the same words make the same id."""
    now = timestamps.from_epoch(time.time())
    own, tlp = org_identity(org), Tlp.parse(about.claims.tlp)
    kind = "note" if opinion is None else "opinion"
    words = "\n".join((org, about.token_id, opinion or "", note or ""))
    common = {
        "spec_version": "2.1",
        "created": now,
        "modified": now,
        "created_by_ref": own,
        "object_marking_refs": [TLP_IDS[tlp]],
    }
    said: dict[str, Any] = (
        {"content": note} if opinion is None else {"opinion": opinion}
    )
    if opinion is not None and note is not None:
        said["explanation"] = note
    if lang is not None:
        said["lang"] = lang
    main = {
        "type": kind,
        "id": f"{kind}--{uuid.uuid5(_NAMESPACE, words)}",
        **common,
        **said,
        "object_refs": [about.claims.sub],
    }
    who = {
        "type": "identity",
        "id": own,
        **common,
        "name": org,
        "identity_class": "organization",
    }
    objects = [stix.decode_object(each) for each in (main, who)]
    return composing.compose(objects, now=now)


async def _publish(
    settings: PublisherConfig,
    signer: Signer,
    about: Verified,
    draft: record.Draft,
    *,
    as_json: bool,
) -> dict[str, Any]:
    # By name too, or an answer marked AMBER+STRICT would reach nobody.
    named = {about.issuer, *map(record.org_of, about.claims.to or ())} - {settings.org}
    address = Address(communities=about.claims.aud, to=tuple(sorted(named)))
    async with opened(settings, as_json=as_json, signer=signer) as publisher:
        done = await publisher.enqueue_once(
            # What is said of an exercise is part of it.
            draft,
            address=address,
            exercise=about.claims.exercise,
        )
        await publisher.flush()
    return {"record": done.sub, "token": done.token_id, "already": done.already}


async def _tell(
    settings: PublisherConfig, signer: Signer, about: Verified, told: Sighting | Taken
) -> dict[str, Any]:
    made = answers.make(
        told,
        token=about.token_id,
        sub=about.claims.sub,
        signer=signer,
        now=int(time.time()),
    )
    async with open_bus(settings.broker) as bus:
        await bus.publish(FEEDBACK, answers.message(made, about.issuer, signer))
    return {"told": made.kind}
