"""All the formats that come in: finds the sources in this folder, and the right one."""

import codecs
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from adapters import sources
from adapters.sources.found import Found
from adapters.sources.source import Input, Source
from schemas.errors import SchemaError


def _all() -> Mapping[str, Source]:
    modules = sorted(each.name for each in pkgutil.iter_modules(sources.__path__))
    found = [
        importlib.import_module(f"{sources.__name__}.{name}")
        for name in modules
        if name not in _NO_SOURCES
    ]
    return MappingProxyType({m.SOURCE.name: m.SOURCE for m in found})


_NO_SOURCES: Final = {
    "formats", "found", "source",
    "csaf_advisory", "csaf_products", "csaf_remarks", "csaf_vulnerabilities",
    "misp_attributes", "misp_clusters", "misp_event", "misp_galaxies", "misp_making",
    "misp_marks", "misp_objects", "misp_pieces", "misp_templates", "misp_types",
    "misp_values",
    "shadowserver_hosts", "shadowserver_rows",
    "stix20_differences", "stix20_observed",
    # shared by tables of all kinds
    "dates", "gathered", "tables", "tables_json", "tables_text", "techniques", "values",
    "spreadsheet_rows", "spreadsheet_words",
}  # fmt: skip
SOURCES: Final = _all()
"""Sources by name, in the order in which they are asked."""


def read(given: Input, name: str | None = None) -> Found:
    """Read an input, as *name* or as what it looks like.

    Raises:
        SchemaError: `unknown-format`, or as the source.
    """
    return (SOURCES[name] if name is not None else recognise(given)).read(given)


def recognise(given: Input) -> Source:
    """Find the source of an input.

    Raises:
        SchemaError: `unknown-format`, `empty`, `not-utf8`, or JSON that cannot be
            decoded.
    """
    if given.sound is not None:  # then no other recognises it
        return SOURCES["stix21"]
    for source in SOURCES.values():
        if source.recognises(given):
            return source
    if given.is_json:
        _ = given.json  # it may say more
    if not given.data.strip():
        raise SchemaError("empty")
    if given.data.startswith(_WIDE):
        raise SchemaError("not-utf8")
    raise SchemaError("unknown-format")


_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # so begins UTF-32, too
