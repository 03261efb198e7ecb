"""STIX 2.1 objects as frozen structs, with the dialects that real senders use."""

from schemas.codec import RESERVED_NAMES
from schemas.stix.at_once import Sound, decode_sound
from schemas.stix.bundles import decode_bundle
from schemas.stix.core import (
    ExternalReference,
    GranularMarking,
    KillChainPhase,
    StixObject,
    UnknownObject,
)
from schemas.stix.examining import Examined, examine_bundle
from schemas.stix.objects import (
    OBSERVABLE_TYPES,
    PROPERTY_NAMES,
    TYPES,
    check_plain,
    decode_object,
    encode_object,
    properties,
)
from schemas.stix.required import (
    ALTERNATIVES,
    REQUIRED,
    check_required,
    missing_property,
    required_of,
)

__all__ = [
    "ALTERNATIVES",
    "OBSERVABLE_TYPES",
    "PROPERTY_NAMES",
    "REQUIRED",
    "RESERVED_NAMES",
    "TYPES",
    "Examined",
    "ExternalReference",
    "GranularMarking",
    "KillChainPhase",
    "Sound",
    "StixObject",
    "UnknownObject",
    "check_plain",
    "check_required",
    "decode_bundle",
    "decode_object",
    "decode_sound",
    "encode_object",
    "examine_bundle",
    "missing_property",
    "properties",
    "required_of",
]
