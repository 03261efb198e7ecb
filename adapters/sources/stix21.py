"""STIX 2.1 JSON: a bundle, a list of objects, or one object."""

from typing import Final

from adapters.sources.found import Found
from adapters.sources.source import Input, Source
from schemas import stix
from schemas.errors import SchemaError

_EPOCH: Final = "1970-01-01T00:00:00Z"


def read(data: bytes) -> tuple[stix.StixObject, ...]:
    """Decode objects strictly, every one complete.

    Raises:
        SchemaError: with a reason and a JSON path.
    """
    return _read(Input(data, when=_EPOCH)).whole()


def _recognises(given: Input) -> bool:
    if not given.is_json:
        return False
    value = given.parsed
    if type(value) is list:
        value = value[0] if value else None
    return (
        type(value) is dict
        and type(value.get("type")) is str
        and not _TELLING.isdisjoint(value)
    )


# Other formats have types too, but none of these beside them.
_TELLING: Final = frozenset({"id", "objects", "spec_version", "created"})


def _read(given: Input) -> Found:
    odd: SchemaError | None = None
    try:  # once for all, which is cheaper than object by object
        stix.check_plain(given.parsed)
    except SchemaError as error:
        if error.reason == "too-deep":
            raise
        odd = error
    objects, places, faults = stix.examine_bundle(given.parsed, is_checked=odd is None)
    if odd is not None and not faults:
        raise odd  # outside the objects
    return Found(objects=objects, places=places, faults=faults)


SOURCE: Final = Source(
    name="stix21",
    title="STIX 2.1: a bundle, a list of objects, or one object",
    recognises=_recognises,
    read=_read,
)
