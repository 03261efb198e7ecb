"""Plain JSON values <-> STIX objects."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET

from schemas.codec import RESERVED_NAMES, check_values, place_of
from schemas.errors import SchemaError
from schemas.stix import (
    cases,
    dialect,
    incident_suite,
    meta,
    observables,
    relationships,
    threats,
)
from schemas.stix.core import (
    EXTRA,
    ExternalReference,
    KillChainPhase,
    StixObject,
    UnknownObject,
)
from schemas.stix.forms import forms_of, misfit
from schemas.stix.values import MAX_TEXT_CHARS

_MODULES = (
    cases, dialect, incident_suite, meta, observables, relationships, threats,
)  # fmt: skip

TYPES: Final[dict[str, type[StixObject]]] = {
    str(kind.__struct_config__.tag): kind
    for module in _MODULES
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, StixObject)
    and kind is not StixObject
}
"""STIX type -> its struct."""

_NESTED: Final[dict[str, type[msgspec.Struct]]] = {
    "external_references": ExternalReference,
    "kill_chain_phases": KillChainPhase,
}


def _names_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(kind.__struct_encode_fields__) - {EXTRA}


_KINDS: Final[list[type[StixObject]]] = [*TYPES.values(), UnknownObject]
_NAMES: Final = {kind: _names_of(kind) | {"type"} for kind in _KINDS}
_FORMS: Final = {kind: forms_of(kind) for kind in _KINDS}
_NESTED_NAMES: Final = {name: _names_of(kind) for name, kind in _NESTED.items()}

PROPERTY_NAMES: Final[frozenset[str]] = frozenset().union(
    *_NAMES.values(), *_NESTED_NAMES.values(), {"objects"}
)
"""All property names that a refusal may spell: they are ours, not the sender's."""

OBSERVABLE_TYPES: Final[frozenset[str]] = frozenset(
    name for name, kind in TYPES.items() if kind.__module__ == observables.__name__
) | {"media-content"}
"""Types whose objects have no versions: one id stands for one set of values."""


def decode_object(
    value: Any, where: str = "$", *, is_checked: bool = False
) -> StixObject:
    """Decode one object, complete or cut by redaction; `check_required` tells which.

    Args:
        value: A JSON object as `codec` decodes it.
        where: Its place, in front of the places in refusals.
        is_checked: Its numbers, strings, names and depth are known to be in order.

    Raises:
        SchemaError: `not-stix`, `missing-property` (the id), `bad-id` (of the
            object or in a reference), `stix-version`, `bad-property`,
            `reserved-name`, `number-range`, `too-large`, `too-deep`.
    """
    name = value.get("type") if type(value) is dict else None
    if type(name) is not str or name == "bundle":
        raise SchemaError("not-stix", where)
    if not is_checked:
        check_values(
            value,
            where=where,
            max_chars=MAX_TEXT_CHARS,
            reserved=RESERVED_NAMES,
            names=PROPERTY_NAMES,
        )
    if "id" not in value:
        raise SchemaError("missing-property", f"{where}.id")
    kind = TYPES.get(name, UnknownObject)
    try:
        decoded = msgspec.convert(_fit(value, kind), kind)
    except msgspec.ValidationError as error:
        raise refusal(error, where) from None
    place = misfit(value, _FORMS[kind])
    if place is not None:
        raise refused_place(f"{where}.{place}")
    if decoded.type != name:
        raise SchemaError("bad-id", f"{where}.id")
    return decoded


def encode_object(decoded: StixObject) -> dict[str, Any]:
    """Encode to plain JSON values: what is UNSET left out, `extra` put back.

    The members come in the order of the struct, not as they were received.
    """
    # Through bytes, because that is the fast way from tuples to lists.
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(decoded))
    for name in _NESTED:
        for item in body.get(name, ()):
            item.update(item.pop(EXTRA, {}))
    extra = body.pop(EXTRA, {})
    return {"type": decoded.type, **body, **extra}


def properties(decoded: StixObject) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of all that is present: type, id, the rest, `extra`.

    Values are those of the struct: tuples for lists, structs for external
    references, kill chain phases and granular markings.
    """
    yield "type", decoded.type
    for name in decoded.__struct_fields__:
        value = getattr(decoded, name)
        if value is not UNSET and name != "extra":
            yield name, value
    yield from decoded.extra.items()


def refusal(error: msgspec.ValidationError, where: str) -> SchemaError:
    """Translate msgspec's error, whose text quotes values, by its place."""
    return refused_place(place_of(error, where))


def refused_place(place: str) -> SchemaError:
    """Say what is wrong at *place*, which its name tells."""
    if place.endswith(".spec_version"):
        return SchemaError("stix-version", place)
    name = place.rpartition(".")[2].partition("[")[0]
    is_id = name == "id" or name.endswith(("_ref", "_refs"))
    return SchemaError("bad-id" if is_id else "bad-property", place)


def _fit(value: dict[str, Any], kind: type[StixObject]) -> dict[str, Any]:
    """Give *value* the shape of the struct: what it does not know under EXTRA."""
    body = _split(value, _NAMES[kind])
    if body.keys().isdisjoint(_NESTED_NAMES):
        return body
    for name, known in _NESTED_NAMES.items():
        items = body.get(name)
        if type(items) is list:
            fitted = [_split(i, known) if type(i) is dict else i for i in items]
            body = {**body, name: fitted}
    return body


def _split(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    if value.keys() <= known:
        return value
    body: dict[str, Any] = {EXTRA: {}}
    for name, inner in value.items():
        (body if name in known else body[EXTRA])[name] = inner
    return body
