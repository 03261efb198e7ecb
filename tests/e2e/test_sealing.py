"""A RED object on its whole way through a real hub, which never holds it in the clear."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import zstandard

from adapters.cli import main as command
from broker import base64url, carried, sdjwt
from broker.archive import open_archive
from broker.errors import TrustError
from broker.record_keys import RecordKey
from schemas.markings import TLP_IDS, Tlp
from tests.support.hub import Hub, Party, wait_until
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.records import incident, plain_object

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]
SECRET, OPEN = "203.0.113.77", "198.51.100.7"
PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("cert-bx", "peer-cert", opens=True),
    Party("cert-cv", "peer-cert", opens=True),
    Party("platform-x", "platform"),
)
# What the hub has; the members' own folders and keys are theirs.
OF_THE_HUB = (
    "gate.sqlite",
    "archive.sqlite",
    "outbox.sqlite",
    "gate.log",
    "adapter.log",
)


def pattern(address: str, number: int, tlp: Tlp) -> dict[str, object]:
    return plain_object(
        "indicator",
        number,
        pattern=f"[ipv4-addr:value = '{address}']",
        pattern_type="stix",
        valid_from="2026-12-01T10:00:00Z",
        object_marking_refs=[TLP_IDS[tlp]],
    )


def revealed(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """What anybody can read out of bytes: unpacked, decoded, again and again."""
    yield data
    if depth == 0:
        return
    for start in re.finditer(re.escape(b"\x28\xb5\x2f\xfd"), data):  # RFC 8878, 3.1.1
        maker = zstandard.ZstdDecompressor().decompressobj()
        try:
            yield from revealed(maker.decompress(data[start.start() :]), depth - 1)
        except zstandard.ZstdError:
            continue
    for word in re.findall(rb"[A-Za-z0-9_-]{20,}", data):
        try:
            yield from revealed(base64url.decode(word), depth - 1)
        except TrustError:
            continue


def cells(path: Path) -> Iterator[bytes]:
    """Every value of every table, and what opens with the keys; else all of the file."""
    yield path.read_bytes()
    if path.suffix != ".sqlite":
        return
    with closing(sqlite3.connect(path)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in names.fetchall():
            for row in db.execute(f'SELECT * FROM "{name}"'):  # noqa: S608  its own
                yield from (v if type(v) is bytes else str(v).encode() for v in row)
        if path.name == "outbox.sqlite":
            bodies = db.execute(
                "SELECT content, hash, id, secret FROM contents JOIN record_keys ON key_id = id"
            )
            for content, name, key_id, secret in bodies:
                yield RecordKey(key_id, secret).decrypt(content, name)
    if path.name == "archive.sqlite":
        with open_archive(path) as archive:
            yield from [each.token for each in archive.since()]


def holds(path: Path, word: str) -> bool:
    return any(word.encode() in each for c in cells(path) for each in revealed(c))


def evidence_of(folder: Path) -> carried.Carried:
    (path,) = folder.glob("evidence.*")
    return carried.decode(path.read_bytes())


def test_what_is_sealed_reaches_whom_it_is_for_and_nothing_of_the_hub_holds_it(
    rabbitmq: RabbitMQ, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def tocsin(*arguments: str) -> tuple[int, str, str]:
        return command.run(list(arguments)), *capfd.readouterr()

    hub = Hub(tmp_path, rabbitmq, PARTIES).build()
    objects = [
        incident(
            modified="2026-11-01T10:00:00.000Z", created="2026-11-01T10:00:00.000Z"
        ),
        pattern(SECRET, 7, Tlp.RED),
        pattern(OPEN, 8, Tlp.GREEN),
    ]
    file = tmp_path / "in.json"
    bundle = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001"}
    file.write_bytes(msgspec.json.encode(bundle | {"objects": objects}))
    directory = str(tmp_path / "directory")
    with hub.running():
        done = tocsin(
            "publish", str(file), "--config", str(hub.publisher_config("cert-aq")),
            "--seal-to", "cert-bx", "--directory", directory, "--json",
        )  # fmt: skip
        assert done[0] == 0, done[2]
        members = ("cert-bx", "cert-cv", "platform-x")
        for org in members:
            wait_until(
                lambda org=org: (
                    (tmp_path / "out" / org).exists() and hub.deliveries(org)
                ),
                timeout_s=30,
                what=f"a delivery to {org}",
            )
        # Taken back: of what was sealed nothing is said again, so nobody is named.
        done = tocsin(
            "retract", str(file), "--config", str(hub.publisher_config("cert-aq")),
            "--to", "cert-bx",
        )  # fmt: skip
        assert done[0] == 0, done[2]
        wait_until(
            lambda: len(hub.deliveries("cert-bx")) > 1,
            timeout_s=30,
            what="the retraction",
        )
    got = {org: hub.deliveries(org)[0] for org in members}
    records = {org: evidence_of(folder) for org, folder in got.items()}

    # Everybody sees that something is sealed; one has it, and nobody learns who.
    assert {org: len(each.sealed) for org, each in records.items()} == {
        "cert-bx": 1, "cert-cv": 0, "platform-x": 0,
    }  # fmt: skip
    for org, each in records.items():
        payload = base64url.decode(each.token.split(b".")[1])
        assert len(json.loads(payload)["sealed"]) == 1
        assert (
            not any(b"cert-bx" in r for r in revealed(each.token)) or org == "cert-bx"
        )
    verified = tocsin(
        "verify", str(next(got["platform-x"].glob("evidence.*"))),
        "--directory", directory, "--json",
    )  # fmt: skip
    assert json.loads(verified[1].splitlines()[-1])["sealed"] == 1

    # The receipt names no member, so it is of what all of its view get.
    done = tocsin("receipt", "verify", str(got["cert-bx"]), "--directory", directory)
    assert done[0] == 0, done[2]

    # It opens for whom it is, and for nobody else.
    def opened(org: str) -> tuple[int, str]:
        done = tocsin(
            "open", str(next(got["cert-bx"].glob("evidence.*"))), "--member", org,
            "--key", str(tmp_path / f"{org}.sealing.key"), "--directory", directory,
            "--projection", str(tmp_path / f"{org}.opened"),
        )  # fmt: skip
        return done[0], done[2]

    assert opened("cert-bx")[0] == 0
    assert SECRET in (tmp_path / "cert-bx.opened").read_text()
    code, told = opened("cert-cv")
    assert (code, "sealed-for-others" in told) == (1, True)

    # The search finds what is in the open wherever it is, and what is sealed nowhere.
    for name in OF_THE_HUB:
        assert not holds(tmp_path / name, SECRET), name
    assert holds(tmp_path / "archive.sqlite", OPEN)
    assert holds(tmp_path / "outbox.sqlite", OPEN)
    for folder in got.values():
        for path in folder.iterdir():
            assert not holds(path, SECRET), path.name

    # Who comes later is sealed to from what the publisher keeps.
    later = tmp_path / "later.json"
    done = tocsin(
        "reseal", str(next(got["cert-bx"].glob("evidence.*"))), "--to", "cert-cv",
        "--config", str(hub.publisher_config("cert-aq")), "--directory", directory,
        "-o", str(later),
    )  # fmt: skip
    assert done[0] == 0, done[2]
    done = tocsin(
        "open", str(later), "--member", "cert-cv", "--directory", directory,
        "--key", str(tmp_path / "cert-cv.sealing.key"),
        "--projection", str(tmp_path / "cert-cv.opened"),
    )  # fmt: skip
    assert done[0] == 0, done[2]
    assert SECRET in (tmp_path / "cert-cv.opened").read_text()
    assert carried.decode(later.read_bytes()).token_id == sdjwt.token_id(
        records["cert-bx"].token
    )
