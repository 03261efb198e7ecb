"""The bundles that members really have go the whole way, on a real RabbitMQ node.

Signed and published by `tocsin publish`, checked by `tocsin gate run`, redacted and
forwarded by `tocsin adapter run` to a folder and a webhook of three members in three
audiences. Counted at the end: nothing missing, nothing twice.
"""

import asyncio
import collections
import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from broker import base64url, sdjwt, trust
from broker.directory_plain import load_folder
from broker.keys import Jwk, PublicKey
from schemas import stix
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.real_data import DATA, needs_real_data

pytestmark = [needs_real_data, pytest.mark.slow]

EXAMPLES = DATA / "oasis_stix21_examples"
FULL = ("cert-borea", "platform-orbit", "monitor-veritas")
# file, options of `publish`, members that must get it
RECORDS: list[tuple[Path, list[str], tuple[str, ...]]] = [
    *(
        (path, [], FULL)
        for path in sorted((DATA / "fimi_viginum_stix21").glob("*.json"))
    ),
    (
        DATA / "oasis_incident_extension/incident_pii_report.json",
        ["--tlp", "green"],
        FULL,
    ),
    (EXAMPLES / "apt1.json", ["--tlp", "green"], FULL),
    (
        EXAMPLES / "sighting-of-an-indicator.json",
        ["--tlp", "green", "--report", "A sighting"],
        FULL,
    ),
    (
        EXAMPLES / "using-marking-definitions.json",
        ["--report", "Markings"],
        ("cert-borea",),  # AMBER: no platform or civil society is affected
    ),
    (
        DATA / "amnesty_stix21/pegasus.stix2",
        ["--tlp", "clear", "--report", "Indicators"],
        FULL,
    ),
]


class Receiver:
    """A member's webhook endpoint: checks each signature, keeps what came."""

    def __init__(self) -> None:
        self.secret = "whsec_" + "c2VjcmV0" * 5
        self.received: list[tuple[str, str, dict[str, object]]] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver")

    def __enter__(self) -> "Receiver":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(self.secret).verify(body, dict(request.headers))
        document = msgspec.json.decode(body)
        identifier = request.headers["webhook-id"]
        self.received.append((request.match_info["member"], identifier, document))
        return web.Response(status=204)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=32 << 20)
        app.router.add_post("/{member}", self._handle)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as opened:
        yield opened


@pytest.fixture
def hub(tmp_path: Path, vhost: RabbitMQ, receiver: Receiver) -> Hub:
    parties = [
        Party("cert-aq", "peer-cert", publishes=True),
        Party("cert-borea", "peer-cert"),
        Party("platform-orbit", "platform"),
        Party("monitor-veritas", "civil-society"),
    ]
    hooks = {p.org: f"http://127.0.0.1:{receiver.port}/{p.org}" for p in parties}
    return Hub(tmp_path, vhost, parties, hooks).build()


def test_every_bundle_reaches_exactly_those_who_may_have_it(
    hub: Hub, receiver: Receiver
) -> None:
    expected = collections.Counter(m for *_, members in RECORDS for m in members)
    expected["cert-aq"] = len(RECORDS)  # a peer too: it gets its own records back
    total = sum(expected.values())
    with hub.running():
        for path, options, _ in RECORDS:
            done = tocsin(
                "publish", str(path), "--config", str(hub.publisher_config("cert-aq")),
                *options,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        wait_until(
            lambda: (
                len(receiver.received) >= total
                and all(len(hub.deliveries(m)) >= n for m, n in expected.items())
            ),
            timeout_s=120,
            what=f"{total} deliveries to each kind of sink",
        )
    assert {m: len(hub.deliveries(m)) for m in expected} == dict(expected)
    by_hook = collections.Counter(member for member, *_ in receiver.received)
    assert by_hook == expected
    assert len({identifier for _, identifier, _ in receiver.received}) == total
    check_evidence(hub, receiver, total)


def check_evidence(hub: Hub, receiver: Receiver, total: int) -> None:
    """Every delivery of both kinds verifies, and the audiences differ as they must."""
    directory = load_folder(hub.folder / "directory")
    jwk = msgspec.json.decode((hub.folder / "hub.jwk").read_bytes(), type=Jwk)
    shown: dict[str, dict[str, set[bytes]]] = collections.defaultdict(dict)
    checked = 0
    for member, _, document in receiver.received:
        data = document["data"]
        assert isinstance(data, dict)
        evidence = data["evidence"].encode()
        verified = trust.verify(evidence, directory, now=time.time())
        assert verified.token_id == data["token_id"]
        assert verified.claims.kind == str(document["type"]).removeprefix("record.")
        stix.decode_bundle(data["projection"])
        check_receipt(data["receipt"].encode(), jwk, evidence, verified.token_id)
        shown[verified.token_id][member] = {d.text for d in verified.opened.disclosures}
        checked += 1
    assert checked == total
    by_folder = collections.Counter(
        sdjwt.token_id(path.read_bytes())
        for party in hub.parties
        for folder in hub.deliveries(party.org)
        for path in folder.glob("*.sdjwt")
    )
    assert by_folder == {token: len(members) for token, members in shown.items()}
    for members in shown.values():
        peer = members["cert-borea"]
        for narrower in ("platform-orbit", "monitor-veritas"):
            assert members.get(narrower, set()) <= peer
            assert members.get(narrower, set()) != peer


def check_receipt(receipt: bytes, jwk: Jwk, evidence: bytes, token_id: str) -> None:
    signing_input, _, signature = receipt.rpartition(b".")
    assert PublicKey(jwk).verify(base64url.decode(signature), signing_input)
    claims = msgspec.json.decode(base64url.decode(signing_input.split(b".")[1]))
    assert claims["token"] == token_id
    digest = base64url.encode(hashlib.sha256(evidence).digest()).decode()
    assert claims["evidence"] == digest


def test_the_bundle_without_a_primary_object_is_refused_for_that_reason(
    tmp_path: Path,
) -> None:
    made = tocsin("keygen", "--org", "cert-aq", "--out", str(tmp_path))
    assert made.returncode == 0
    bundle = DATA / "amnesty_stix21/pegasus.stix2"
    key = str(tmp_path / "cert-aq.key")
    refused = tocsin("sign", str(bundle), "--key", key, "--issuer", "cert-aq")
    assert refused.returncode == 1
    assert "no-primary" in refused.stderr
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
