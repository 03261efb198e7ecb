"""Writes all vectors: `python -m tests.vectors.make`. Each run gives the same bytes."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.vectors import (
    bad_digests,
    bad_gate,
    bad_json,
    bad_jwt,
    bad_objects,
    bad_record,
    bad_stix,
    cast,
    good,
    heartbeats,
    joint,
    messages,
    samples,
    sealed,
    stamps,
)
from tests.vectors.reading import read, resolved
from tests.vectors.vector import Vector

HERE = Path(__file__).parent
FOLDERS = ("tokens", "expected")


def vectors() -> list[Vector]:
    """All of them, good ones first."""
    bad = (bad_jwt, bad_json, bad_digests, bad_record, bad_objects, bad_stix, bad_gate)
    made = [*good.vectors(), *samples.vectors(), *joint.vectors()]
    return made + [each for module in bad for each in module.vectors()]


def write(folder: Path) -> None:
    """Write manifest, tokens and what is expected into *folder*, in place of the old."""
    made = vectors()
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for vector in made:
        if vector.recipe is None:
            (folder / "tokens" / f"{vector.name}.sdjwt").write_bytes(vector.token)
    entries = [_entry(vector, folder) for vector in made]
    manifest = {
        "format": 1,
        "now": cast.NOW,
        "keys": cast.KEYS,
        "services": cast.SERVICES,
        "vectors": entries,
        "messages": messages.messages(),
        "stamps": stamps.stamps(),
        "heartbeats": heartbeats.heartbeats(),
        "sealing_keys": sealed.KEYS,
        "sealed": sealed.sealed(),
    }
    (folder / "manifest.json").write_bytes(_pretty(manifest))


def _entry(vector: Vector, folder: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": vector.name,
        "level": vector.level,
        "why": vector.why,
    }
    if vector.recipe is None:
        entry["token"] = f"tokens/{vector.name}.sdjwt"
    else:
        entry["recipe"] = vector.recipe
    for name in ("now", "first_seen"):
        if getattr(vector, name) is not None:
            entry[name] = getattr(vector, name)
    if vector.reason:
        also = {"also": list(vector.also)} if vector.also else {}
        return entry | {"result": "refused", "reason": vector.reason} | also
    expected = f"expected/{vector.name}.json"
    said = read(resolved(entry, folder))
    (folder / expected).write_text(
        json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8"
    )
    return entry | {"result": "ok", "expected": expected}


def _pretty(manifest: dict[str, Any]) -> bytes:
    """Write each entry of a list on one line, so that a change shows as its line."""
    parts = []
    for name, value in manifest.items():
        if isinstance(value, list):
            lines = ",\n".join(_lines(value))
            parts.append(f'"{name}": [\n{lines}\n]')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _lines(values: Iterable[Any]) -> Iterable[str]:
    return (json.dumps(value, separators=(",", ":")) for value in values)


if __name__ == "__main__":
    write(HERE)
