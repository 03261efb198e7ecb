"""TLS of a client: which files it takes, which certificate logs in, whom it trusts."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.cli.connecting import open_bus
from adapters.config_parts import Broker
from adapters.config_use import broker_tls, broker_urls
from broker.certificates import issue, issue_server, load_ca, make_ca, make_request
from broker.errors import BusRefusedError, BusUnavailableError, ConfigError
from broker.rabbitmq import open_rabbitmq
from broker.tls import client_context, need_login

NOW = datetime.now(UTC).replace(microsecond=0)  # as certificates have it
MADE = make_ca("Tocsin hub", now=NOW)
CA = load_ca(MADE.key, MADE.public)
AMQPS = "amqps://rabbit.example/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What cert-aq has: ca.pem, aq.pem, aq.key, password."""
    asked = make_request("cert-aq")
    (tmp_path / "ca.pem").write_bytes(MADE.public)
    made = issue(asked.public, login="cert-aq", ca=CA, now=NOW, days=30)
    (tmp_path / "aq.pem").write_bytes(made)
    for name, secret in (("aq.key", asked.key), ("password", b"hush-hush\n")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(secret)
    return tmp_path


def broker(folder: Path, url: str = AMQPS, **files: str) -> Broker:
    paths = {name: folder / file for name, file in files.items()}
    return Broker(url=url, user="cert-aq", **paths)


def by_certificate(folder: Path, url: str = AMQPS) -> Broker:
    files = {"cert_file": "aq.pem", "key_file": "aq.key", "ca_file": "ca.pem"}
    return broker(folder, url, **files)


def test_who_has_a_certificate_logs_in_with_it_and_no_password(folder):
    assert broker_urls(by_certificate(folder)) == (AMQPS + "?auth=EXTERNAL",)
    context = broker_tls(by_certificate(folder), now=NOW)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_only_the_authority_named_is_trusted(folder):
    found = broker_tls(by_certificate(folder), now=NOW).get_ca_certs()
    assert [each["subject"] for each in found] == [((("commonName", "Tocsin hub"),),)]


def test_a_password_over_tls_goes_with_an_authority_or_without(folder):
    plain = broker(folder, password_file="password")
    assert broker_urls(plain) == ("amqps://cert-aq:hush-hush@rabbit.example/",)
    assert broker_tls(plain, now=NOW) is None
    pinned = broker(folder, password_file="password", ca_file="ca.pem")
    assert len(broker_tls(pinned, now=NOW).get_ca_certs()) == 1


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cert_file": "aq.pem"},
        {"key_file": "aq.key"},
        {"password_file": "password", "cert_file": "aq.pem", "key_file": "aq.key"},
        {"password_file": "password", "key_file": "aq.key"},
    ],
)
def test_a_login_is_a_password_or_a_certificate_with_its_key(folder, files):
    with pytest.raises(ConfigError, match="password_file, or cert_file and key_file"):
        broker_urls(broker(folder, **files))
    with pytest.raises(ConfigError, match="password_file, or cert_file and key_file"):
        broker_tls(broker(folder, **files), now=NOW)


@pytest.mark.parametrize(
    "files",
    [
        {"cert_file": "aq.pem", "key_file": "aq.key"},
        {"password_file": "password", "ca_file": "ca.pem"},
    ],
)
def test_certificates_without_tls_are_a_mistake(folder, files):
    with pytest.raises(ConfigError, match="amqps"):
        broker_urls(broker(folder, "amqp://rabbit.example/", **files))


def test_each_node_of_a_cluster_is_reached_by_the_same_login(folder):
    urls = ("amqps://a.example/", "amqps://b.example:5672/")
    several = Broker(urls=urls, user="cert-aq", password_file=folder / "password")
    assert broker_urls(several) == (
        "amqps://cert-aq:hush-hush@a.example/",
        "amqps://cert-aq:hush-hush@b.example:5672/",
    )


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({}, "needs url, or urls"),
        ({"url": AMQPS, "urls": (AMQPS,)}, "needs url, or urls"),
        ({"urls": (AMQPS, "amqp://b.example/")}, "nothing but host and port"),
        ({"urls": (AMQPS, "amqps://b.example/other")}, "nothing but host and port"),
        ({"urls": (AMQPS, "amqps://b.example/?x=1")}, "nothing but host and port"),
        ({"urls": (AMQPS, AMQPS.upper().replace("AMQPS", "amqps"))}, "one place twice"),
        ({"urls": (AMQPS, "amqps://u:p@b.example/")}, "must not hold a login"),
        ({"urls": (AMQPS, "https://b.example/")}, "must be amqp://"),
    ],
)
def test_addresses_that_are_no_one_cluster_are_a_mistake(folder, places, said):
    files = {"password_file": folder / "password"}
    with pytest.raises(ConfigError, match=said):
        broker_urls(Broker(user="cert-aq", **places, **files))


def test_the_certificate_of_another_login_is_a_mistake(folder):
    with pytest.raises(ConfigError, match="not the certificate of cert-bx"):
        need_login(folder / "aq.pem", "cert-bx", now=NOW)


def test_a_certificate_that_has_ended_or_not_begun_says_so(folder):
    need_login(folder / "aq.pem", "cert-aq", now=NOW + timedelta(days=30, seconds=-1))
    with pytest.raises(ConfigError, match=r"ended on .* tocsin broker request"):
        need_login(folder / "aq.pem", "cert-aq", now=NOW + timedelta(days=30))
    with pytest.raises(ConfigError, match="clock"):
        need_login(folder / "aq.pem", "cert-aq", now=NOW - timedelta(minutes=6))
    with pytest.raises(ConfigError, match="cannot read"):
        need_login(folder / "none.pem", "cert-aq", now=NOW)


@pytest.mark.parametrize("name", ["none", "password"])
def test_files_that_are_none_are_named(folder, name):
    key, certificate = folder / "aq.key", folder / "aq.pem"
    with pytest.raises(ConfigError, match=f"certificates from .*{name}"):
        client_context(ca=folder / name)
    with pytest.raises(ConfigError, match=name):
        client_context(certificate=certificate, key=folder / name)
    with pytest.raises(ConfigError, match=name):
        client_context(certificate=folder / name, key=key)


def test_a_key_that_others_may_read_is_refused(folder):
    (folder / "aq.key").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        broker_tls(by_certificate(folder), now=NOW)


@pytest.mark.parametrize(("days", "warned"), [(29, True), (40, False)])
async def test_who_connects_is_warned_weeks_before_the_certificate_ends(
    folder, days, warned
):
    assert need_login(folder / "aq.pem", "cert-aq", now=NOW) == 30
    asked = make_request("cert-aq")
    pem = issue(asked.public, login="cert-aq", ca=CA, now=NOW, days=days)
    (folder / "aq.pem").write_bytes(pem)
    (folder / "aq.key").write_bytes(asked.key)
    with capture_logs() as logged, pytest.raises(BusUnavailableError):
        async with open_bus(by_certificate(folder, "amqps://127.0.0.1:1/")):
            pass
    soon = [each for each in logged if each["event"] == "certificate.ends_soon"]
    assert [each["login"] for each in soon] == (["cert-aq"] if warned else [])


async def test_a_broker_of_another_authority_or_name_gets_nothing(folder):
    heard = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    node = issue_server(["rabbit.example"], ca=CA, now=NOW)
    (folder / "node.pem").write_bytes(node.key + node.public)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "node.pem")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        url = f"amqps://u:hush-hush@127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for ca, why in ((folder / "ca.pem", "mismatch"), (None, "issuer")):
            with pytest.raises(BusRefusedError, match=f"not trusted .*{why}"):
                # What the address says of certificates does not count.
                async with open_rabbitmq(
                    url + "?no_verify_ssl=1", user="u", tls=client_context(ca=ca)
                ):
                    pass
        with pytest.raises(BusRefusedError, match="not trusted"):
            async with open_rabbitmq(url + "?no_verify_ssl=1", user="u"):
                pass
    assert b"".join(heard) == b""


async def test_a_peer_that_ends_the_connection_may_not_take_the_certificate(folder):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    node = issue_server(["127.0.0.1"], ca=CA, now=NOW)
    (folder / "node.pem").write_bytes(node.key + node.public)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "node.pem")
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        url = f"amqps://127.0.0.1:{server.sockets[0].getsockname()[1]}/?auth=EXTERNAL"
        with pytest.raises(BusUnavailableError, match="does not take this certificate"):
            async with open_rabbitmq(
                url, user="u", tls=client_context(ca=folder / "ca.pem")
            ):
                pass
