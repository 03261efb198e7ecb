"""Unpack Debian's PostgreSQL into .tools/postgresql, for `make postgresql`."""

import sys
from pathlib import Path

from tests.support.fetch_debian import TOOLS, Apt, FetchError, Tool, is_complete

__all__ = ["TREE", "bin_folder", "is_complete"]

TREE = TOOLS / "postgresql"
LINE_TO_TYPE = "TOCSIN_TEST_POSTGRESQL_URL=postgresql://user@localhost/ make test"
# Compiles long queries, of which we have none: a third of a hundred megabytes.
_JIT = ("libllvm", "libz3")


def wanted(apt: Apt) -> list[str]:
    """Name the server, and the libraries that it links to."""
    [name] = {
        package.split("=")[0]
        for package in apt.closure(["postgresql"])
        if package.startswith("postgresql-") and package.split("=")[0][11:].isdigit()
    }
    server = [p for p in apt.closure([name]) if p.startswith(f"{name}=")]
    libraries = apt.missing_libraries([name])
    return sorted({*server, *(p for p in libraries if not p.startswith(_JIT))})


def bin_folder(tree: Path = TREE) -> Path:
    """Find where Debian puts the programs of its one version."""
    found = sorted((tree / "usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise FetchError("the server is not where Debian puts it")
    return found[-1]


def need_server(_tree: Path, unpacked: Path) -> None:
    bin_folder(unpacked)


POSTGRESQL = Tool(
    name="PostgreSQL",
    tree=TREE,
    size_mb=20,
    wanted=wanted,
    finish=need_server,
    instead=f"start a PostgreSQL of your own, then type: {LINE_TO_TYPE}",
)

if __name__ == "__main__":
    sys.exit(POSTGRESQL.install())
