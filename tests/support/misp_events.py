"""Invented MISP events, and reading them."""

import json
from typing import Any

from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from schemas import composing, record, stix
from schemas.markings import Tlp

WHEN = "2026-11-02T08:15:00.000Z"
CHANGED = "1793520000"  # 2026-11-01T08:00:00Z
EVENT = "5b6464ca-0000-4707-9b8a-d0350acd0000"
ORG = {"id": "1", "name": "CERT-XA", "uuid": "5b6464ca-0000-4707-9b8a-d0350acd0001"}


def uuid(number: int) -> str:
    return f"5b6464ca-1111-4707-9b8a-d0350{number:07d}"


def attribute(
    kind: str, value: Any, number: int = 1, to_ids: bool = False, **members: Any
) -> dict[str, Any]:
    return {
        "id": str(number),
        "event_id": "12",
        "uuid": uuid(number),
        "type": kind,
        "category": "Network activity",
        "value": value,
        "to_ids": to_ids,
        "timestamp": CHANGED,
        "distribution": "5",
        "comment": "",
        **members,
    }


def misp_object(
    name: str, *attributes: dict[str, Any], number: int = 900, **members: Any
) -> dict[str, Any]:
    return {
        "uuid": uuid(number),
        "name": name,
        "meta-category": "network",
        "description": "The words of the template",
        "template_version": "3",
        "timestamp": CHANGED,
        "distribution": "5",
        "Attribute": list(attributes),
        **members,
    }


def part(
    relation: str, kind: str, value: Any, number: int, to_ids: bool = False, **more: Any
) -> dict[str, Any]:
    return attribute(kind, value, number, to_ids, object_relation=relation, **more)


def event(*attributes: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "Event": {
            "uuid": EVENT,
            "info": "Phishing against citizens' portals",
            "date": "2026-10-30",
            "timestamp": CHANGED,
            "publish_timestamp": CHANGED,
            "published": True,
            "distribution": "3",
            "Orgc": ORG,
            "Tag": [{"name": "tlp:amber"}],
            "Attribute": list(attributes),
            **members,
        }
    }


def read(value: Any, name: str = "phishing") -> Found:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return formats.read(Input(data, name=name, when=WHEN))


def objects(found: Found, kind: str | None = None) -> list[dict[str, Any]]:
    plain = [stix.encode_object(each) for each in found.objects]
    return [each for each in plain if kind in (None, each["type"])]


def only(found: Found, kind: str) -> dict[str, Any]:
    (one,) = objects(found, kind)
    return one


def losses(found: Found, rule: str) -> list[str]:
    return [each.where for each in found.losses if each.rule == rule]


def composed(found: Found, tlp: Tlp | None = Tlp.AMBER) -> record.Draft:
    return composing.compose(found.objects, now=WHEN, tlp=tlp, primary=found.primary)
