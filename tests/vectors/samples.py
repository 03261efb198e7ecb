"""Good vectors: the sample records of `tocsin demo`, whole and cut for each audience.

Signed and cut by our own code, as a publisher and an adapter do.
"""

from collections.abc import Iterator

from adapters.redaction import NotGivenError
from tests.support.records import SAMPLE_INDEX, sample_token
from tests.support.views import VIEWS, cut, sample
from tests.vectors.spelling import parted
from tests.vectors.vector import Vector

AUDIENCES = ("peer", "platform", "civil")


def vectors() -> Iterator[Vector]:
    for entry in SAMPLE_INDEX:
        name = entry["file"].removesuffix(".json")
        token = sample_token(entry)
        whole = f"sample-{name}"
        why = f"A whole record: {entry['title']}."
        yield Vector(name=whole, level="record", why=why, token=token)
        yield _cut(whole, "bare", "All disclosures were cut.", token, token[:0])
        for audience in AUDIENCES:
            try:
                evidence = cut(sample(name), VIEWS[audience]).evidence
            except NotGivenError:
                continue
            why = f"Cut for a view: {audience}."
            yield _cut(whole, audience, why, token, evidence)


def _cut(whole: str, audience: str, why: str, token: bytes, evidence: bytes) -> Vector:
    kept = set(parted(evidence)[1]) if evidence else set()
    keep = [i for i, text in enumerate(parted(token)[1]) if text in kept]
    recipe = {"of": f"tokens/{whole}.sdjwt", "keep": keep}
    return Vector(name=f"{whole}-{audience}", level="record", why=why, recipe=recipe)
