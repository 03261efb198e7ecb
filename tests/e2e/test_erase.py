"""A record is erased from a running hub, on a real RabbitMQ: no byte of it is left."""

import json
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from broker import carried, seen
from broker.archive import open_archive
from broker.directory_plain import load_folder
from broker.sdjwt import token_id
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("cert-bv", "peer-cert"),
    Party("platform-x", "platform"),
)
SUB = "incident--8d1f6a0e-6f0a-4c55-9d0e-5b8a3b0a6f01"


def bundle(marker: str, minute: int) -> str:
    """A record with *marker* in a text that all of the members get."""
    at = f"2026-11-0{minute}T10:00:00.000Z"
    incident = {
        "type": "incident",
        "spec_version": "2.1",
        "id": SUB,
        "created": "2026-11-01T10:00:00.000Z",
        "modified": at,
        "name": f"Stolen accounts {marker}",
        "description": f"Seen at {marker}, {minute} times.",
        "object_marking_refs": [
            "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
        ],
    }
    return json.dumps(
        {
            "type": "bundle",
            "id": "bundle--3b0c4ec3-a001-4b0c-8a52-1b0cbe1c0b5e",
            "objects": [incident],
        }
    )


def say(*arguments: object) -> str:
    done = tocsin(*map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_with(folder: Path, marker: bytes) -> set[str]:
    """Name the hub's own files that hold these bytes, logs of SQLite included."""
    found = set()
    for path in folder.rglob("*"):
        is_theirs = path.name.startswith("cert-aq") or "out" in path.parts
        if path.is_file() and not is_theirs and marker in path.read_bytes():
            found.add(path.name)
    return found


def secrets_of(folder: Path) -> set[bytes]:
    """Give all keys of records that the hub has."""
    found: set[bytes] = set()
    for name in ("archive.sqlite.keys", "outbox.sqlite"):
        with closing(sqlite3.connect(folder / name)) as db:
            found |= {row[0] for row in db.execute("SELECT secret FROM record_keys")}
    return found


def notices(hub: Hub, member: str) -> list[Path]:
    return [each for each in hub.deliveries(member) if "-erasure-" in each.name]


def test_after_an_erasure_no_byte_of_the_record_is_in_the_hubs_files(
    tmp_path: Path, rabbitmq: RabbitMQ
) -> None:
    # Nobody listens there: what is for it stays in the outbox.
    hub = Hub(
        tmp_path, rabbitmq, PARTIES, webhooks={"platform-x": "http://127.0.0.1:9/"}
    ).build()
    operator = tmp_path / "operator.toml"
    url = rabbitmq.url_for("", "").replace(":@", "")
    operator.write_text(
        f'adapters = ["main"]\n[broker]\nurl = "{url}"\nuser = "operator"\n'
        'password_file = "operator.password"\n'
    )
    own = ("--config", hub.publisher_config("cert-aq"))
    gate = ("--config", tmp_path / "gate.toml")
    marker, file = secrets.token_hex(16), tmp_path / "cert-aq.record.json"
    with hub.running():
        file.write_text(bundle(marker, 1))
        say("publish", file, *own)
        file.write_text(bundle(marker, 2))
        say("correct", file, *own)
        for member in ("cert-bv", "platform-x"):
            wait_until(
                lambda m=member: len(hub.deliveries(m)) == 2,
                timeout_s=40,
                what="both versions",
            )
        assert any(
            marker in each.read_text() for each in (tmp_path / "out").rglob("*.json")
        )
        before = secrets_of(tmp_path)
        assert len(before) == 2  # one in the archive, one in the outbox
        [record] = {
            json.loads((each / "delivery.json").read_text())["sub"]
            for each in hub.deliveries("cert-bv")
        }
        order = (
            "erase", "--record", record, "--issuer", "cert-aq", *gate,
            "--operator-config", operator, "--reason", "subject-request", "--yes",
        )  # fmt: skip
        told = json.loads(say(*order, "--json"))
        assert (told["ok"], told["versions"]) == (True, 2)
        for member in ("cert-bv", "platform-x"):
            wait_until(
                lambda m=member: notices(hub, m), timeout_s=40, what="the notice"
            )
        # While all of it runs: nobody closes a file, nobody waits for a checkpoint.
        for secret in before:
            assert files_with(tmp_path, secret) == set()
        assert files_with(tmp_path, marker.encode()) == set()
        say(*order)  # nothing happens twice
        say("publish", "adapters/cli/samples/election-leak.json", *own)
        wait_until(
            lambda: len(hub.deliveries("cert-bv")) == 4,
            timeout_s=40,
            what="a record behind the second order",
        )
        assert len(notices(hub, "cert-bv")) == 1
    [notice] = notices(hub, "platform-x")
    said = json.loads((notice / "erased.json").read_text())
    assert (said["sub"], said["reason"]) == (record, "subject-request")
    assert said["numbers"] == [1, 2]
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        rows = db.execute(
            "SELECT sink, number, state FROM deliveries JOIN lanes ON lanes.id = lane_id "
            "WHERE member = 'platform-x' AND sub = ? ORDER BY sink, number",
            (record,),
        )
        assert [*rows] == [
            ("files", 1, "done"), ("files", 2, "done"),
            ("hook", 1, "erased"), ("hook", 2, "erased"),
        ]  # fmt: skip
    # What proves stays.
    known = load_folder(tmp_path / "directory")
    with open_archive(tmp_path / "archive.sqlite") as archive:
        found = [*archive.since()]
        erased = [each for each in found if each.sub == record]
        assert [each.erased for each in erased] == [True, True]
        link = ""
        for each in found:
            stamp = seen.verify_stamp(each.stamp, known, now=time.time())
            assert (stamp.prev, stamp.token) == (link, each.token_id)
            assert token_id(carried.decode(each.token).token) == each.token_id
            link = stamp.link
