"""Unpack Debian's SoftHSM 2 into .tools/softhsm, for `make softhsm`."""

import sys
from pathlib import Path

from tests.support.fetch_debian import TOOLS, Apt, FetchError, Tool, is_complete

__all__ = ["MODULE", "TREE", "is_complete"]

TREE = TOOLS / "softhsm"
# The module is no library on any search path: it is opened by this name.
MODULE = TREE / "usr/lib/softhsm/libsofthsm2.so"


def wanted(apt: Apt) -> list[str]:
    """Name the module, its tool, and the libraries that they link to."""
    own = [p for p in apt.closure(["softhsm2"]) if "softhsm2" in p]
    return sorted({*own, *apt.missing_libraries(["softhsm2"])})


def need_module(_tree: Path, unpacked: Path) -> None:
    if not (unpacked / MODULE.relative_to(TREE)).is_file():
        raise FetchError("the module is not where Debian puts it")


SOFTHSM = Tool(
    name="SoftHSM",
    tree=TREE,
    size_mb=1,
    wanted=wanted,
    finish=need_module,
    instead="install SoftHSM 2, then type: "
    "TOCSIN_TEST_PKCS11_MODULE=/path/to/libsofthsm2.so make test",
)

if __name__ == "__main__":
    sys.exit(SOFTHSM.install())
