"""Finds the real records, which are never copied into this repository.

They are published ones of public bodies, in `shared/data` beside the checkout.
Tests that need them skip where they are missing, and say so (`-ra`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def real_files(*patterns: str) -> list[Any]:
    """Give the matching files as parameters of a test; a skip if there is none."""
    found = sorted(set(_matching(patterns)))
    if found:
        return [
            pytest.param(path, id=f"{path.parent.name}/{path.name[:40]}")
            for path in found
        ]
    reason = f"real data missing: shared/data/{{{','.join(patterns)}}}"
    return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="missing")]


def _matching(patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from DATA.glob(pattern)


needs_real_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="real data missing: shared/data beside the checkout"
)
