"""Unpack Debian's headless Chromium into .tools/chromium, for `make chromium`."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support.fetch_debian import TOOLS, Apt, FetchError, Tool, is_complete

__all__ = ["PROGRAM", "TREE", "environment", "is_complete"]

PACKAGE = "chromium-headless-shell"
TREE = TOOLS / "chromium"
PROGRAM = TREE / "usr/lib/chromium/chromium-headless-shell"
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{tree}/usr/share/fonts</dir>
  <cachedir>{tree}/font-cache</cachedir>
</fontconfig>
"""


def wanted(apt: Apt) -> list[str]:
    """Name the browser, its data, one family of fonts, and libraries it links to.

    What the full browser needs besides (Mesa, LLVM, X11's tools: 50 MB) is not for
    a browser without a screen.
    """
    direct = [name for name in apt.depends(PACKAGE) if name != "chromium-common"]
    everything = apt.closure([PACKAGE, "fonts-dejavu-core"])
    own = (PACKAGE, "chromium-common", "fonts-dejavu-core")
    browser = [package for package in everything if package.split("=")[0] in own]
    return sorted({*browser, *apt.missing_libraries(direct)})


def environment(tree: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that let the browser in *tree* find its own.

    No bus, no display and no proxy of the machine reach it.
    """
    libraries = {str(found.parent) for found in tree.glob("**/*-linux-gnu*/**/*.so*")}
    names = ("PATH", "HOME", "TMPDIR", "LANG")
    return {name: machine[name] for name in names if name in machine} | {
        "LD_LIBRARY_PATH": ":".join(sorted(libraries)),
        "FONTCONFIG_FILE": str(tree / "fonts.conf"),
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
    }


def add_fonts_and_try(tree: Path, unpacked: Path) -> None:
    (unpacked / "fonts.conf").write_text(FONTS.format(tree=escape(str(tree))))
    program = unpacked / PROGRAM.relative_to(TREE)
    done = subprocess.run(  # noqa: S603 - what was just unpacked
        [program, "--version"],
        env=environment(unpacked, os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it does not start"]
        raise FetchError(lines[0])


CHROMIUM = Tool(
    name="Chromium",
    tree=TREE,
    size_mb=100,
    wanted=wanted,
    finish=add_fonts_and_try,
    instead="with a Chromium of yours, 137 or newer, type: "
    "TOCSIN_TEST_CHROMIUM=/path/to/it make test",
)

if __name__ == "__main__":
    sys.exit(CHROMIUM.install())
