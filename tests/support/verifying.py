"""What the verifiers say of a token: shortcuts for tests."""

from typing import Any

import pytest

from broker import sdjwt, trust
from broker.directory import Directory
from schemas.errors import RefusedError
from tests.support.records import CERT_KEY, DIRECTORY, NOW, forge, mint, sha, tree

# -- the format alone


def opened(token: bytes) -> sdjwt.Opened:
    return sdjwt.verify(token, lambda _: CERT_KEY)


def format_refusal(token: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        opened(token)
    return caught.value


def format_reason(payload: Any, *texts: bytes) -> str:
    """Why a token made by hand is refused."""
    return format_refusal(forge(payload, *texts)).reason


def format_verdict(token: bytes) -> str:
    """Why a token is refused, "" if it is not; any other error is a failure."""
    try:
        opened(token)
    except RefusedError as error:
        return error.reason
    return ""


def elements(*texts: bytes) -> list[dict[str, str]]:
    """Array elements that are the digests of *texts*."""
    return [{"...": sha(text)} for text in texts]


# -- the whole record


def verified(
    signed: bytes, known: Directory = DIRECTORY, **more: Any
) -> trust.Verified:
    return trust.verify(signed, known, **({"now": NOW} | more))


def refusal(signed: bytes, known: Directory = DIRECTORY, **more: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        verified(signed, known, **more)
    return caught.value


def reason(claims: dict[str, Any], **more: Any) -> str:
    return refusal(mint(claims), **more).reason


def main_of(claims: dict[str, Any]) -> dict[str, Any]:
    """The primary object of a tree, to be bent."""
    value: dict[str, Any] = claims["stix"]["objects"][0].value
    return value


def bent(**members: Any) -> dict[str, Any]:
    """A tree whose primary object has these members, as they are."""
    claims = tree()
    main_of(claims).update(members)
    return claims


def without(name: str) -> dict[str, Any]:
    claims = tree()
    del main_of(claims)[name]
    return claims


def refused(signed: bytes) -> str:
    """What is said of a record, if it is refused; any other error is a failure."""
    try:
        verified(signed)
    except RefusedError as error:
        return str(error)
    return ""


def lacking(found: trust.Verified, index: int) -> bytes:
    """Withhold one disclosure, and what it carries."""
    every = range(len(found.opened.disclosures))
    return sdjwt.withhold(found.opened, set(every) - {index})


def index_of(found: trust.Verified, *path: str | int) -> int:
    [index] = [i for i, d in enumerate(found.opened.disclosures) if d.path == path]
    return index


def cut(
    signed: bytes, *lost: tuple[str | int, ...], known: Directory = DIRECTORY
) -> bytes:
    """Withhold the disclosures at these paths of the claims."""
    found = verified(signed, known)
    gone = {index_of(found, *path) for path in lost}
    return sdjwt.withhold(
        found.opened, set(range(len(found.opened.disclosures))) - gone
    )
