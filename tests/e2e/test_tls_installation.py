"""A whole hub over TLS, set up as an operator would: certificates, apply, one record there."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from adapters.cli.main import run
from broker.errors import BusRefusedError
from broker.rabbitmq import open_rabbitmq
from broker.tls import client_context
from tests.adapters.test_cli import SAMPLES
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_node import TLS_CONFIG, OwnNode, RabbitMQNode

pytestmark = pytest.mark.slow

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("newsroom-y", "civil-society"),
)


def do(*words: object) -> None:
    assert run(["broker", *map(str, words)]) == 0


class TlsHub(Hub):
    """An installation whose logins have certificates, and no password at all."""

    node: RabbitMQNode

    def _set_up_broker(self) -> None:
        logins = [each.org for each in self.parties if each.publishes]
        for login in (*logins, "gate", "adapter-main"):
            do("request", "--org", login, "--out", self.folder)
            request, out = self.folder / f"{login}.csr", self.folder / f"{login}.pem"
            do(
                "certify", request, "--org", login, "--ca", self.folder / "ca",
                "--out", out,
            )  # fmt: skip
        self._secret("admin.password", b"guest")
        (self.folder / "broker.toml").write_text(
            'directory = "directory"\nadapters = ["main"]\nuser = "guest"\n'
            f'password_file = "admin.password"\nmanagement = "{self.node.http_url}"\n'
        )
        do("apply", "--config", self.folder / "broker.toml")

    def _broker(self, user: str) -> str:
        return (
            f'[broker]\nurl = "{self.node.amqps_url}"\nuser = "{user}"\n'
            f'ca_file = "ca/ca.pem"\ncert_file = "{user}.pem"\n'
            f'key_file = "{user}.tls.key"\n'
        )


@contextmanager
def certified_node(
    own_node: OwnNode, folder: Path, config: str = ""
) -> Iterator[RabbitMQNode]:
    do("ca", "--out", folder / "ca")
    do("node", "127.0.0.1", "--ca", folder / "ca", "--out", folder / "node")
    tls = folder / "node"
    (tls / "ca.pem").write_bytes((folder / "ca/ca.pem").read_bytes())
    with own_node(tls=tls, config=config) as node:
        yield node


@contextmanager
def installed(own_node: OwnNode, folder: Path) -> Iterator[TlsHub]:
    with certified_node(own_node, folder) as node:
        hub = TlsHub(folder, node.api, PARTIES)
        hub.node = node
        yield hub.build()


# As deploy/rabbitmq.conf says of members without certificates.
PASSWORDS = "auth_mechanisms.2 = PLAIN\nssl_options.fail_if_no_peer_cert = false"


async def test_a_member_may_have_a_password_instead_over_tls(
    own_node: OwnNode, tmp_path: Path
) -> None:
    assert "auth_mechanisms.2 = PLAIN" in TLS_CONFIG.read_text()
    with certified_node(own_node, tmp_path, PASSWORDS) as node:
        node.api.create_user("platform-x", "hush-hush")
        node.api.grant("platform-x", "^$", "^$", "^$")
        tls = client_context(ca=tmp_path / "ca/ca.pem")
        for password, taken in (("hush-hush", True), ("guessed", False)):
            url = node.amqps_url.replace("//", f"//platform-x:{password}@")
            with nullcontext() if taken else pytest.raises(BusRefusedError):
                async with open_rabbitmq(url, user="platform-x", tls=tls):
                    pass


def test_a_record_goes_from_issuer_to_reader_over_tls_alone(
    own_node: OwnNode, tmp_path: Path
) -> None:
    with installed(own_node, tmp_path) as hub, hub.running():
        config = hub.publisher_config("cert-aq")
        sent = tocsin(
            "publish", str(SAMPLES / "bank-phishing.json"), "--config", str(config)
        )
        assert sent.returncode == 0, sent.stderr
        wait_until(
            lambda: hub.deliveries("newsroom-y"), timeout_s=40, what="the delivery"
        )
        listeners = hub.server.request("GET", "/api/overview")["listeners"]
        spoken = {each["protocol"] for each in listeners}
        assert "amqp/ssl" in spoken
        assert "amqp" not in spoken
        # Expelled, it is told so at once, and nothing is sent.
        (hub.folder / "directory/members/cert-aq.json").unlink()
        do("apply", "--config", hub.folder / "broker.toml")
        refused = tocsin(
            "publish", str(SAMPLES / "election-leak.json"), "--config", str(config)
        )
        assert refused.returncode == 2
        assert "refuses the login" in refused.stderr
