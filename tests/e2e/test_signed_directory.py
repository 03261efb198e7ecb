"""Gate and adapter over a signed directory on a real RabbitMQ: who is suspended or expelled
stops while they run, a policy that the groups changed counts; commands go on with what
was kept."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from broker import base64url
from tests.e2e.test_answers import PARTIES, event, say
from tests.support.hub import Hub, tocsin, wait_until
from tests.support.misp_events import attribute
from tests.support.policy_files import shipped
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.tuf_groups import Groups

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

HIDING = shipped(
    "The pattern of an indicator", platform="defang", civil_society="drop"
).replace(b"\nversion = 2\n", b"\nversion = 3\n")


class Signed:
    """An installation whose plain folder has become a directory that groups sign."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.folder = hub, hub.folder
        self.groups = Groups(hub.folder / "public")
        for file in sorted((hub.folder / "directory").glob("*/*.json")):
            self.groups.put(f"{file.parent.name}/{file.name}", file.read_bytes())
        self.groups.put("policies/default.toml", shipped())
        self.groups.publish()
        (self.folder / "root.json").write_bytes(self.groups.pinned)
        for name in ("gate", "adapter"):
            config = self.folder / f"{name}.toml"
            text = config.read_text().replace('directory = "directory"\n', "")
            assert "directory" not in text
            config.write_text(
                f'{text}\n[directory]\nurl = "{self.groups.folder.as_uri()}"\n'
                f'root = "root.json"\ncache = "{name}-cache"\nrefresh_minutes = 0.05\n'
            )

    def known_to(self, *names: str) -> None:
        """Wait until these processes have refreshed to what is published."""
        wanted = self.groups.timestamp.signed.version
        for name in names:
            file = self.folder / f"{name}-cache/kept/timestamp.json"
            wait_until(
                lambda file=file: self._version(file) == wanted,
                timeout_s=30,
                what=f"a refresh of {name}",
            )

    @staticmethod
    def _version(file: Path) -> int:
        try:
            found: int = Metadata.from_file(str(file)).signed.version
        except OSError:  # it is being replaced
            return 0
        return found

    def suspend(self, *orgs: str) -> None:
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = [{"org": o, "reason": "key stolen", "since": since} for o in orgs]
        self.groups.suspend("hub", lines)

    def publish(self, name: str) -> None:
        file = self.folder / "event.json"
        text = event(attribute("domain", f"{name}.example", to_ids=True))
        tree = json.loads(text)
        tree["Event"]["info"] = name
        tree["Event"]["uuid"] = f"00000000-0000-4000-8000-{len(name):012}"
        file.write_text(json.dumps(tree))
        say("publish", file, "--config", self.hub.publisher_config("cert-aq"))

    def got(self, member: str, count: int) -> None:
        wait_until(
            lambda: len(self.hub.deliveries(member)) >= count,
            timeout_s=40,
            what=f"{count} deliveries to {member}",
        )
        assert len(self.hub.deliveries(member)) == count


def test_suspended_and_expelled_members_stop_while_the_processes_run(
    tmp_path: Path, rabbitmq: RabbitMQ
) -> None:
    made = Signed(Hub(tmp_path, rabbitmq, PARTIES).build())
    own = ("--config", str(made.hub.publisher_config("cert-aq")))
    known = ("--directory", str(tmp_path / "gate.toml"))
    with made.hub.running():
        made.publish("one")
        made.got("monitor-x", 1)
        made.got("cert-bv", 1)

        made.suspend("monitor-x")
        made.known_to("adapter")
        made.publish("two-two")
        made.got("cert-bv", 2)
        made.got("monitor-x", 1)

        made.groups.remove("members/cert-bv.json")
        made.groups.publish()
        made.suspend()
        made.known_to("adapter")
        made.publish("three-three")
        made.got("monitor-x", 2)
        made.got("cert-bv", 2)

        made.suspend("cert-aq")
        made.known_to("gate")
        made.publish("four-four-four")
        told = say("feedback", *known, *own, "--json")
        assert json.loads(told)["reason"] == "member-suspended"

    # Nothing answers, and what was kept serves.
    made.groups.folder.rename(tmp_path / "away")
    evidence = made.hub.deliveries("monitor-x")[0] / "evidence.sdjwt"
    done = tocsin("verify", str(evidence), *known)
    assert (done.returncode, "member-suspended" in done.stderr) == (1, True)


def test_a_policy_that_the_groups_change_counts_from_the_next_record_on(
    tmp_path: Path, rabbitmq: RabbitMQ
) -> None:
    made = Signed(Hub(tmp_path, rabbitmq, PARTIES).build())
    with made.hub.running():
        made.publish("one")
        made.got("monitor-x", 1)

        # One group alone cannot.
        made.groups.put("policies/default.toml", HIDING)
        made.groups.publish(["industry"])
        made.publish("two-two")
        made.got("monitor-x", 2)

        made.groups.publish()
        made.known_to("adapter")
        made.publish("three-three")
        made.got("monitor-x", 3)

    first, second, third = map(said, made.hub.deliveries("monitor-x"))
    assert first == second == (2, sha256(shipped()).hexdigest(), True)
    assert third == (3, sha256(HIDING).hexdigest(), False)
    for each in made.hub.deliveries("monitor-x"):
        known = ("--directory", str(tmp_path / "adapter.toml"))
        done = tocsin("receipt", "verify", str(each), *known)
        assert (done.returncode, done.stderr) == (0, "")
        assert "the groups of the directory have signed that policy" in done.stdout
    log = (tmp_path / "adapter.log").read_text()
    assert "policy.changed" in log
    assert third[1] in log


def said(delivery: Path) -> tuple[int, str, bool]:
    """Version and hash of its policy, and whether the pattern stands in it."""
    text = (delivery / "receipt.jwt").read_bytes()
    policy = json.loads(base64url.decode(text.split(b".")[1]))["policy"]
    shown = b"domain-name:value" in (delivery / "projection.json").read_bytes()
    return policy["version"], policy["sha256"], shown
