"""Marking definitions that say IEP or PAP, as plain STIX."""

from typing import Any

from schemas import iep, pap
from tests.support.records import MODIFIED, an_id

TERMS: dict[str, Any] = {
    "extension_type": "property-extension",
    "encrypt_in_transit": "may",
    "permitted_actions": "externally-visible-direct-actions",
    "affected_party_notifications": "may",
    "tlp": "white",
    "provider_attribution": "may",
    "unmodified_resale": "may",
    "iep_id": "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061",
    "iep_version": 2.0,
    "description": "A policy of the house.",
    "start_date": "2026-01-01T00:00:00Z",
}
"""An IEP that forbids nothing, with every term that is required."""


def definition(number: int = 1, **properties: Any) -> dict[str, Any]:
    """Make a marking definition without marks of its own."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": an_id("marking-definition", number),
        "created": MODIFIED,
        **properties,
    }


def policy(number: int = 1, **terms: Any) -> dict[str, Any]:
    """Make an IEP; terms that are None are left out."""
    body = {k: v for k, v in (TERMS | terms).items() if v is not None}
    return definition(number, extensions={iep.EXTENSION: body})


def pap_extension(word: Any) -> dict[str, Any]:
    body = {"extension_type": "property-extension", "pap": word}
    return {"extensions": {pap.EXTENSION: body}}
