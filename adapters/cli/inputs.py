"""Files that become records: read in any format, checked, composed."""

import os
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from adapters.checking import Checked, check
from adapters.cli.load import read_file
from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from broker.errors import ConfigError
from schemas import composing, timestamps
from schemas.catalogue import Catalogue
from schemas.errors import SchemaError
from schemas.findings import fault


class Read(msgspec.Struct, frozen=True):
    """An input and what was found in it.

    Attributes:
        source: Title of its format; "" if that was not recognised.
    """

    data: bytes
    source: str
    checked: Checked


def read_record(
    path: Path,
    options: composing.Options,
    *,
    source: str | None = None,
    own: str | None = None,
    communities: Collection[str] = (),
    catalogues: Collection[Catalogue] = (),
) -> Read:
    """Read and check one file, or standard input for "-".

    Args:
        source: Name of its format, None to recognise it.
        own: Id that the input gives the issuer's own identity.
        communities: To whom it would be addressed (URN), if that is known.
        catalogues: Techniques are held against these.

    Raises:
        ConfigError: It cannot be read, or there is no such format.
    """
    if source is not None and source not in formats.SOURCES:
        known = ", ".join(formats.SOURCES)
        raise ConfigError(f"--from takes one of: {known}")
    data, title = b"", ""
    try:
        data = read_file(path)
        given = Input(data, name=_name(path), when=_when(path))
        chosen = formats.SOURCES[source] if source else formats.recognise(given)
        title = chosen.title
        found = chosen.read(given)
    except SchemaError as error:
        found = Found(objects=(), faults=(fault(error),))
        return Read(data, title, Checked(None, found.faults))
    checked = check(
        found, options, own=own, communities=communities, catalogues=catalogues
    )
    return Read(data, title, checked)


def _name(path: Path) -> str:
    """Name a file for people: it may become the name of a report."""
    text = os.fsencode(path.stem).decode(errors="replace") if str(path) != "-" else ""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _when(path: Path) -> str:
    """Give the moment a file was last changed: read again, it says the same.

    So the same command again publishes the same version, not a new one.
    """
    now = time.time()
    try:
        changed = now if str(path) == "-" else os.stat(path).st_mtime
    except OSError:
        changed = now
    # Of a clock that was wrong: a version in the future would be refused.
    return timestamps.from_epoch(min(max(changed, 0), now))
