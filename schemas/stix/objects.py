"""Plain JSON values <-> STIX objects."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from schemas.codec import RESERVED_NAMES, check_values, place_of
from schemas.errors import SchemaError
from schemas.stix import (
    attack_flow,
    cases,
    dialect,
    incident_suite,
    meta,
    observables,
    relationships,
    takedown,
    threats,
)
from schemas.stix.core import (
    EXTRA,
    ExternalReference,
    KillChainPhase,
    StixObject,
    UnknownObject,
)
from schemas.stix.forms import Forms, forms_of, misfit
from schemas.stix.values import ID_TAIL_CHARS, MAX_TEXT_CHARS

_MODULES = (
    attack_flow, cases, dialect, incident_suite, meta, observables, relationships,
    takedown, threats,
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
for _name, _struct in TYPES.items():
    # The property of the base cuts it off the id, and it is asked for all the time.
    setattr(_struct, "type", _name)  # noqa: B010  a property for the type checker

_NESTED: Final[dict[str, type[msgspec.Struct]]] = {
    "external_references": ExternalReference,
    "kill_chain_phases": KillChainPhase,
}


class _Kind(NamedTuple):
    """What decoding needs to know of a type: its struct, property names and forms."""

    struct: type[StixObject]
    names: frozenset[str]
    forms: Forms


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _names_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(kind.__struct_encode_fields__) - {EXTRA}


def _kind_of(struct: type[StixObject]) -> _Kind:
    return _Kind(struct, _names_of(struct) | {"type"}, forms_of(struct))


_KINDS: Final = {name: _kind_of(struct) for name, struct in TYPES.items()}
_UNKNOWN: Final = _kind_of(UnknownObject)
_NESTED_NAMES: Final = {name: _names_of(kind) for name, kind in _NESTED.items()}

PROPERTY_NAMES: Final[frozenset[str]] = frozenset({"objects"}).union(
    *(kind.names for kind in (*_KINDS.values(), _UNKNOWN)), *_NESTED_NAMES.values()
)
"""All property names that a refusal may spell: they are ours, not the sender's."""

OBSERVABLE_TYPES: Final[frozenset[str]] = frozenset(
    name for name, kind in TYPES.items() if kind.__module__ == observables.__name__
) | {"media-content", "text"}
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
        check_plain(value, where)
    if "id" not in value:
        raise SchemaError("missing-property", f"{where}.id")
    struct, names, forms = _KINDS.get(name, _UNKNOWN)
    try:
        body = value if names.issuperset(value) else _split(value, names)
        if "external_references" in body or "kill_chain_phases" in body:
            body = _fit_nested(body)
        decoded = msgspec.convert(body, struct)
    except msgspec.ValidationError as error:
        raise refusal(error, where) from None
    place = misfit(value, forms)
    if place is not None:
        raise refused_place(f"{where}.{place}")
    if decoded.id[:-ID_TAIL_CHARS] != name:  # a call for each would be felt
        raise SchemaError("bad-id", f"{where}.id")
    return decoded


def check_plain(value: Any, where: str = "$") -> None:
    """Check what every JSON value in STIX must be, whatever its place.

    Raises:
        SchemaError: `reserved-name`, `number-range`, `too-large`, `too-deep`.
    """
    check_values(
        value,
        where=where,
        max_chars=MAX_TEXT_CHARS,
        reserved=RESERVED_NAMES,
        names=PROPERTY_NAMES,
    )


def encode_object(decoded: StixObject) -> dict[str, Any]:
    """Encode to plain JSON values: what is UNSET left out, `extra` put back.

    The members come in the order of the struct, not as they were received.
    """
    # Through bytes, because that is the fast way from tuples to lists.
    body: dict[str, Any] = _decode(_encode(decoded))
    for name in _NESTED:
        if name in body:
            for item in body[name]:
                item.update(item.pop(EXTRA, {}))
    extra = body.pop(EXTRA, {})
    if "type" not in body:  # that of a type which no struct stands for
        body = {"type": decoded.type, **body}
    body.update(extra)
    return body


def struct_of(kind: str) -> type[StixObject]:
    """Give the struct of a STIX type, that of unknown ones where it has none."""
    return _KINDS.get(kind, _UNKNOWN).struct


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


def _fit_nested(body: dict[str, Any]) -> dict[str, Any]:
    for name, known in _NESTED_NAMES.items():
        items = body.get(name)
        if type(items) is list:
            fitted = [_split(i, known) if type(i) is dict else i for i in items]
            body = {**body, name: fitted}
    return body


def _split(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Give *value* the shape of its struct: what it does not know under EXTRA."""
    body: dict[str, Any] = {EXTRA: {}}
    for name, inner in value.items():
        (body if name in known else body[EXTRA])[name] = inner
    return body
