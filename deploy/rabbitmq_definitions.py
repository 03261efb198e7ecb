"""Writes what RabbitMQ must have for a directory: definitions, and a password per login.

    python -P deploy/rabbitmq_definitions.py --directory directory --adapter main --out broker

It writes OUT/definitions.json, the body for the management API's `POST
/api/definitions`, and OUT/<login>.password for `operator`, `gate`, each adapter and
each member. All are mode 0600, for definitions.json holds the passwords. Run again
after the directory changed: passwords that exist are kept.
"""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

from broker.directory_client import load_now
from broker.errors import ConfigError
from broker.signers import read_secret
from broker.topology import (
    ADAPTER_PREFIX,
    GATE,
    OPERATOR,
    definitions,
    permissions,
    topology,
)

PASSWORD_BYTES = 24


def main() -> int:
    """Write the files; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--adapter", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vhost", default="/")
    options = parser.parse_args()
    try:
        write(options.directory, options.adapter, options.out, options.vhost)
    except (ConfigError, ValueError, OSError) as error:
        print(f"configuration: {error}", file=sys.stderr)
        return 2
    return 0


def write(directory: Path, adapters: list[str], out: Path, vhost: str) -> None:
    """Write definitions and passwords.

    Raises:
        ConfigError: The directory or a password file is unusable.
        ValueError: A name cannot be a login.
    """
    members = load_now(directory).members.values()
    place = topology(
        issuers=[m.org for m in members if m.kinds],
        adapters=adapters,
        members=[m.org for m in members],
    )
    logins = [OPERATOR, GATE, *(ADAPTER_PREFIX + name for name in place.adapters)]
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {
        login: password(out / f"{login}.password")
        for login in (*logins, *place.organisations)
    }
    body = definitions(place, permissions(place), passwords=passwords, vhost=vhost)
    write_private(out / "definitions.json", json.dumps(body, indent=1).encode())
    print(
        f"{out / 'definitions.json'}: {len(passwords)} logins, {len(body['queues'])} queues"
    )


def password(path: Path) -> str:
    """Read a password, or make one."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(PASSWORD_BYTES).encode())
    return read_secret(path).decode().strip()


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, from its first byte on."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
