"""What must hold of every projection, whatever the record and the view."""

import json
import re
from collections.abc import Iterator
from typing import Any

from adapters.projection import EXTENSION_ID
from adapters.redaction import Redacted
from schemas import profile, stix
from tests.support.views import made_of, opened, projected

ID = re.compile(
    r"(?:[a-z][a-z0-9-]*--)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def check_projection(redacted: Redacted) -> None:
    """Whole STIX objects, new ids, and no reference to what is not there."""
    bundle = json.loads(redacted.projection)
    for one in stix.decode_bundle(bundle):
        stix.check_required(one)
    ids = [one["id"] for one in bundle["objects"]]
    assert len(ids) == len(set(ids))
    for one in bundle["objects"]:
        # Feedback is about objects of other records; marks are the same for all.
        about = {"object_marking_refs"} | (
            {"object_refs"} if one["type"] in ("opinion", "note") else set()
        )
        body = {name: v for name, v in one.items() if name not in about}
        assert set(references(body)) <= set(ids)
    text = redacted.projection.decode().lower()
    for candidate in redacted.verified.objects:
        if candidate.type != "marking-definition":
            assert candidate.id[-36:] not in text


def references(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            yield from references(inner, inner_name)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, name)
    elif name.endswith(("_ref", "_refs")):
        yield value


def check_made(redacted: Redacted) -> None:
    """All that the adapter made is listed, and nothing that the issuer wrote."""
    evidence = opened(redacted.evidence)
    ours = projected(redacted)
    theirs = [dict(plain) for plain in evidence.plain]
    assert [one["type"] for one in ours] == [one["type"] for one in theirs]
    for mine, original in zip(ours, theirs, strict=True):
        is_mark = mine["type"] == "marking-definition"  # the same for everybody
        made = set() if is_mark else set(made_of(mine))
        signed_values = dict(profile.places(original.items()))
        written = dict(profile.places(mine.items()))
        for place, value in written.items():
            spelled = profile.spell(place)
            if spelled in ("id", "created_by_ref", f"extensions.{EXTENSION_ID}"):
                continue
            same = without_ids(signed_values.get(place)) == without_ids(value)
            assert same != (spelled in made), (spelled, value)
        assert made <= {profile.spell(place) for place in written}


def without_ids(value: Any) -> Any:
    """Write every id as a star: a projection has other ones."""
    return json.loads(ID.sub("*", json.dumps(value)))
