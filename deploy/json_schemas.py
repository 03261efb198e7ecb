"""Writes JSON Schemas of all that a record may hold, for editors and other programs.

    python -P deploy/json_schemas.py [--check]

They follow from the structs in schemas/stix, what `schemas.stix.required` asks of each
type, and the vocabularies, and lie in schemas/jsonschema: `record.json` is a bundle
and has a definition of every type, `object.json` is one object, and `<type>.json` one
of that type. JSON Schema 2020-12 without `$id`, so that the files find one another
wherever they lie. With --check nothing is written; the exit code is 1 if they differ.

What JSON Schema cannot say, and Tocsin refuses all the same: a whole number written
5.0, integers beyond 2^53, more than 32 levels, a repeated member, half a surrogate
pair, an id of another type than its object where the type is not known here, one id
for two objects.
"""

import argparse
import inspect as python
import json
import re
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct, inspect

from schemas import vocabularies
from schemas.stix import ALTERNATIVES, REQUIRED, RESERVED_NAMES, TYPES, UnknownObject
from schemas.stix.core import EXTRA, StixObject
from schemas.stix.identity_contact import IDENTITY_CONTACT, IdentityContact
from schemas.stix.incident_suite import EVENT, INCIDENT_CORE, IncidentCore
from schemas.stix.values import (
    FORM,
    ID_PATTERN,
    MARKING_PATTERN,
    MAX_TEXT_CHARS,
    TIMESTAMP_PATTERN,
)

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "schemas" / "jsonschema"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
RECORD = "record.json"

FORMS = {ID_PATTERN: "id", MARKING_PATTERN: "marking-id", TIMESTAMP_PATTERN: "time"}
# Extensions whose members are known, as they are written. A record is not refused
# for another form of theirs, so `extensions` does not refer to these.
EXTENSIONS: dict[str, tuple[str, type[Struct]]] = {
    "identity-contact": (IDENTITY_CONTACT, IdentityContact),
    "incident-core": (INCIDENT_CORE, IncidentCore),
}
# Kinds of names in `$defs` that no type has.
VALUE, COMMON, OBJECT, UNKNOWN = "value", "common", "object", "unknown-object"

Json = dict[str, Any]


def main() -> int:
    """Write the files; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wanted = files()
    found = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    if options.check:
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                print(f"{name} differs; type: make schemas", file=sys.stderr)
        return 0 if wanted == found else 1
    FOLDER.mkdir(exist_ok=True)
    for name in found.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    print(f"{FOLDER.relative_to(ROOT)}: {len(wanted)} files")
    return 0


def files() -> dict[str, str]:
    """Give the text of each file by its name."""
    made = {RECORD: record(), "object.json": reference_to(OBJECT)}
    made |= {f"{kind}.json": reference_to(kind) for kind in TYPES}
    made |= {f"extension-{name}.json": extension(name) for name in EXTENSIONS}
    return {
        name: json.dumps({"$schema": DRAFT, **body}, indent=1, ensure_ascii=False)
        + "\n"
        for name, body in sorted(made.items())
    }


def record() -> Json:
    """Make the schema of a bundle, with the definitions of all types."""
    return {
        "title": "record",
        "description": "A STIX 2.1 bundle as Tocsin takes it in.",
        "type": "object",
        "properties": {
            "type": {"const": "bundle"},
            "id": ref("id"),
            "spec_version": {"const": "2.1"},
            "objects": {"type": "array", "minItems": 1, "items": ref(OBJECT)},
        },
        "required": ["type", "objects"],
        "propertyNames": {"not": {"enum": sorted(RESERVED_NAMES)}},
        "$defs": definitions(),
    }


def reference_to(name: str) -> Json:
    """Make the schema of one object, from the definitions in `record.json`."""
    return {"title": name, "$ref": f"{RECORD}#/$defs/{name}"}


def extension(name: str) -> Json:
    """Make the schema of what stands under the id of an extension."""
    key, struct = EXTENSIONS[name]
    body = struct_schema(struct, f"{RECORD}#/$defs/")
    for places in vocabularies.BY_TYPE.values():
        for place, words in places.items():
            member = place.removeprefix(f"extensions.{key}.")
            if member in body["properties"]:
                suggest(body["properties"][member], words)
    body["properties"] = {
        "extension_type": {"const": "property-extension"},
        **body["properties"],
    }
    return {
        "title": key,
        **body,
        "allOf": [{"$ref": f"{RECORD}#/$defs/{VALUE}"}],
        "required": ["extension_type", *body.get("required", ())],
    }


def definitions() -> Json:
    """Make the definitions: of values, of parts of objects, of each type."""
    made = {
        "id": text(ID_PATTERN, "An id: <type>--<UUID>, in lower case."),
        "marking-id": text(MARKING_PATTERN, "The id of a marking-definition."),
        "time": text(TIMESTAMP_PATTERN, "A time in UTC such as 2026-11-02T08:15:00Z."),
        VALUE: value(),
        COMMON: common(),
        OBJECT: dispatch(),
        UNKNOWN: unknown(),
    }
    for struct in parts():
        made[kebab(struct)] = struct_schema(struct)
    for kind in sorted(TYPES):
        made[kind] = of_type(kind)
    return made


def text(pattern: str, description: str) -> Json:
    """Make the schema of texts of one form."""
    return {"type": "string", "pattern": ecma(pattern), "description": description}


def value() -> Json:
    """Make the schema of any JSON value, at any depth."""
    return {
        "description": "Any value: no reserved name, no text beyond the limit.",
        "maxLength": MAX_TEXT_CHARS,
        "items": ref(VALUE),
        "propertyNames": {"not": {"enum": sorted(RESERVED_NAMES)}},
        "additionalProperties": ref(VALUE),
    }


def common() -> Json:
    """Make the schema of what all objects have in common."""
    body = struct_schema(StixObject)
    body["properties"]["type"] = {"type": "string"}
    return {
        "description": "What all objects have in common.",
        "allOf": [ref(VALUE)],
        "type": "object",
        "properties": body["properties"],
        "required": ["type", "id"],
    }


def dispatch() -> Json:
    """Make the schema of any object: that of its type, or of types not known."""

    def typed(schema: Json) -> Json:
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": schema},
        }

    return {
        "description": "One object, by its type.",
        **typed({"type": "string"}),
        "allOf": [
            {"if": typed({"enum": sorted(TYPES)}), "else": ref(UNKNOWN)},
            *(
                {"if": typed({"const": kind}), "then": ref(kind)}
                for kind in sorted(TYPES)
            ),
        ],
    }


def unknown() -> Json:
    """Make the schema of objects of a type that is not known here."""
    kind = ecma(ID_PATTERN).partition("--")[0] + "$"
    return {
        "description": first_line(UnknownObject),
        "allOf": [ref(COMMON)],
        "properties": {"type": {"pattern": kind, "not": {"const": "bundle"}}},
    }


def of_type(kind: str) -> Json:
    """Make the schema of a type, with what STIX requires of it."""
    struct = TYPES[kind]
    inherited = set(StixObject.__struct_fields__)
    body = struct_schema(struct)
    own = {n: s for n, s in body["properties"].items() if n not in inherited}
    tail = ecma(ID_PATTERN).partition("--")[2]
    conditions = list(special(kind))
    required = sorted(REQUIRED.get(kind, ()))
    for name, words in vocabularies.BY_TYPE.get(kind, {}).items():
        if name in own:
            suggest(own[name], words)
    made: Json = {
        "description": body["description"],
        "allOf": [ref(COMMON), *conditions],
        "properties": {
            "type": {"const": kind},
            "id": {"pattern": f"^{kind}--{tail}"},
            **own,
        },
    }
    if required and not any("else" in each for each in conditions):
        made["required"] = required
    if kind in ALTERNATIVES:
        made["anyOf"] = [{"required": sorted(each)} for each in ALTERNATIVES[kind]]
    return made


def special(kind: str) -> list[Json]:
    """Say what `schemas.stix.required.required_of` adds to its tables."""
    if kind == "malware":
        family = {"is_family": {"const": True}}
        return [
            {
                "if": {"properties": family, "required": ["is_family"]},
                "then": {"required": ["name"]},
            }
        ]
    if kind == "event":
        suite = {
            "properties": {"extensions": {"required": [EVENT]}},
            "required": ["extensions"],
        }
        others = (REQUIRED[kind] - {"status"}) | {"name"}  # OpenCTI's
        return [
            {
                "if": suite,
                "then": {"required": sorted(REQUIRED[kind])},
                "else": {"required": sorted(others)},
            }
        ]
    return []


def suggest(schema: Json, words: vocabularies.Vocabulary) -> None:
    """Offer the words of a vocabulary, which editors show; none is refused for it."""
    inner = schema["items"] if schema.get("type") == "array" else schema
    if "enum" not in inner:
        inner["examples"] = [*words.words, *words.more]


def struct_schema(struct: type[Struct], base: str = "#/$defs/") -> Json:
    """Make the schema of a struct; other members than its own may be there."""
    fields = [f for f in inspect.type_info(struct).fields if f.encode_name != EXTRA]
    said = attributes(struct)
    properties = {}
    for field in fields:
        schema = of(field.type, base)
        if field.name in said:
            schema["description"] = said[field.name]
        properties[field.encode_name] = schema
    body: Json = {
        "description": first_line(struct),
        "type": "object",
        "properties": properties,
    }
    required = [f.encode_name for f in fields if f.required]
    if required:
        body["required"] = required
    if inspect.type_info(struct).forbid_unknown_fields:
        body["additionalProperties"] = False
    return body


def of(kind: Any, base: str) -> Json:  # noqa: PLR0911  one return a kind of type
    """Make the schema of a type as msgspec sees it."""
    match kind:
        case inspect.Metadata(inner, extra=extra):
            form = (extra or {}).get(FORM)
            return of(inner, base) if form is None else of_form(form, base)
        case inspect.StrType(pattern=pattern) if pattern is not None:
            return of_form(pattern, base)
        case inspect.StrType():
            return {"type": "string"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType() | inspect.FloatType():
            name = "integer" if isinstance(kind, inspect.IntType) else "number"
            bounds = {"minimum": kind.ge, "maximum": kind.le}
            return {"type": name} | {n: b for n, b in bounds.items() if b is not None}
        case inspect.LiteralType(values):
            return {"enum": list(values)} if len(values) > 1 else {"const": values[0]}
        case inspect.VarTupleType(item, min_length=least):
            listed: Json = {"type": "array", "items": of(item, base)}
            return listed if least is None else {**listed, "minItems": least}
        case inspect.DictType(_, inspect.AnyType()):
            return {"type": "object"}
        case inspect.DictType(_, inner):
            return {"type": "object", "additionalProperties": of(inner, base)}
        case inspect.StructType(struct):
            return {"$ref": base + kebab(struct)}
        case inspect.UnionType(types):
            made = [of(each, base) for each in types]
            # A whole number is a number in JSON.
            numbers = [{**each, "type": "number"} for each in made]
            if {each.get("type") for each in made} == {"integer", "number"}:
                return numbers[0]
            return {"anyOf": made}
    raise NotImplementedError(type(kind).__name__)


def of_form(pattern: str, base: str) -> Json:
    """Refer to a form that is defined once, or spell it out."""
    if pattern in FORMS:
        return {"$ref": base + FORMS[pattern]}
    return {"type": "string", "pattern": ecma(pattern)}


def ecma(pattern: str) -> str:
    """Write a pattern as ECMA-262 has it: `$` is the end of the text there."""
    return re.sub(r"\\Z\Z", "$", pattern)


def parts() -> list[type[Struct]]:
    """List the structs that stand inside objects."""
    found: dict[type[Struct], None] = {}

    def look(kind: Any) -> None:
        if isinstance(kind, inspect.StructType):
            found[kind.cls] = None
        for inner in (
            getattr(kind, "type", None),
            getattr(kind, "item_type", None),
            getattr(kind, "value_type", None),
            *getattr(kind, "types", ()),
        ):
            if inner is not None:
                look(inner)

    for struct in (*TYPES.values(), *(each for _, each in EXTENSIONS.values())):
        for field in inspect.type_info(struct).fields:
            look(field.type)
    return sorted(found, key=kebab)


def kebab(struct: type[Struct]) -> str:
    """Write the name of a struct as STIX writes names."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", struct.__name__).lower()


def first_line(struct: type[Struct]) -> str:
    """Give the summary of a docstring."""
    return (python.getdoc(struct) or "").partition("\n")[0]


def attributes(struct: type[Struct]) -> dict[str, str]:
    """Read what a docstring says of each field."""
    said = (python.getdoc(struct) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): ((?:.|\n(?!    \w|\S|\Z))+)", said, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}


def ref(name: str) -> Json:
    """Refer to a definition."""
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    sys.exit(main())
