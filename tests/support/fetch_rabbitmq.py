"""Unpack Debian's RabbitMQ and Erlang into .tools/rabbitmq, for `make rabbitmq`."""

import re
import sys
from pathlib import Path

from tests.support.fetch_debian import TOOLS, Apt, FetchError, Tool, is_complete

__all__ = ["TREE", "is_complete"]

TREE = TOOLS / "rabbitmq"
LINE_TO_TYPE = "TOCSIN_TEST_AMQP_URL=amqp://guest:guest@localhost:5672/ make test"


def wanted(apt: Apt) -> list[str]:
    """Name the server, Erlang, and the libraries that Erlang links to."""
    server = [
        package
        for package in apt.closure(["rabbitmq-server"])
        if package.startswith(("rabbitmq-", "erlang-"))
    ]
    erlang = [package for package in server if package.startswith("erlang-")]
    return sorted({*server, *apt.missing_libraries(erlang)})


def point_erlang_at(tree: Path, unpacked: Path) -> None:
    """Make Erlang's start script look for itself in *tree*, not in /usr."""
    script = unpacked / "usr/lib/erlang/bin/erl"
    text, count = re.subn(
        r"ROOTDIR=/usr/lib/erlang$",
        lambda _: f'ROOTDIR="{tree}/usr/lib/erlang"',
        script.read_text(),
        flags=re.MULTILINE,
    )
    if not count:
        raise FetchError("Erlang's start script is not as expected")
    script.write_text(text)


RABBITMQ = Tool(
    name="RabbitMQ",
    tree=TREE,
    size_mb=35,
    wanted=wanted,
    finish=point_erlang_at,
    instead=f"start a RabbitMQ of your own, then type: {LINE_TO_TYPE}",
)

if __name__ == "__main__":
    sys.exit(RABBITMQ.install())
