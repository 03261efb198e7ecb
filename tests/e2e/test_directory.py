"""Three groups on three machines run a hub's directory by `tocsin directory` alone.

Each group is a folder with its own private key, its own copy of the directory and its
own pinned root; what passes between them are files. Gate and adapters' own client
reads what is published, and python-tuf's, which knows nothing of us.
"""

import json
import shutil
import time
from pathlib import Path

import msgspec
import pytest

from adapters.cli.main import run
from tests.support import records
from tests.support.directory_groups import Group, copied, entry, founded


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return founded(tmp_path_factory.mktemp("world")).folder


@pytest.fixture
def world(template, tmp_path, capsys):
    return copied(template, tmp_path, capsys)


def test_groups_admit_a_cert_and_a_newsroom_rotate_suspend_and_expel(world, tmp_path):
    government, industry = world.groups["government"], world.groups["industry"]

    # They admit a CERT and a newsroom.
    cert = entry(tmp_path, "cert-bx", clearance="AMBER")
    news = entry(tmp_path, "newsroom-dx", audience="civil-society", kinds=())
    proposal = government.propose("--add", cert, "--add", news)
    told = world.decide(proposal, "government", "civil-society")
    assert (
        "adds organisation cert-bx (Cert Bx, XA) as peer-cert with clearance AMBER"
        in told
    )
    assert "adds signing key newsroom-dx/" in world.others_see(1)
    assert {each["org"] for each in world.show()["members"]} == {
        "cert-bx",
        "newsroom-dx",
    }

    # The CERT's key is rotated: another one, overlapping; the old one ends.
    member = records.member(records.signer("cert-bx"))
    new = records.key_entry(records.signer("cert-bx-2"))
    keys = (
        records.key_entry(records.signer("cert-bx"), not_after="2026-12-31T00:00:00Z"),
        new,
    )
    new_jwk = msgspec.structs.replace(new.jwk, kid=msgspec.UNSET)
    keys = (keys[0], msgspec.structs.replace(new, jwk=new_jwk))
    path = tmp_path / "rotated.json"
    path.write_bytes(
        msgspec.json.encode(
            msgspec.structs.replace(member, keys=keys, clearance="AMBER")
        )
    )
    told = world.decide(industry.propose("--add", str(path)), "industry", "government")
    assert "shortens the validity of signing key cert-bx/" in told
    assert "adds signing key cert-bx/" in world.others_see(2)

    # Its old key turns out to be stolen.
    how = ["--revoke-key", records.signer("cert-bx").kid, "--reason", "compromised"]
    told = world.decide(government.propose(*how), "industry", "civil-society")
    assert "revokes signing key cert-bx/" in told
    assert "revokes signing key cert-bx/" in world.others_see(3)
    assert world.directory().key(records.signer("cert-bx").kid).revoked_at is not None

    # The hub's on-call people suspend the newsroom, alone and at once.
    assert world.suspend("newsroom-dx", "--reason", "its laptop was stolen") == 0
    assert world.show()["suspensions"][0]["party"] == "hub"
    assert "no difference" in world.others_see(4)  # of what the groups decide
    assert not world.directory().may_receive("newsroom-dx", time.time())

    # Two groups confirm it; the hub's own suspension can end.
    how = ["--confirm-suspension", "newsroom-dx"]
    told = world.decide(government.propose(*how), "industry", "civil-society")
    assert "suspends newsroom-dx from " in told
    assert "until this is undone: its laptop was stolen" in world.others_see(4)
    assert world.suspend("newsroom-dx", "--lift") == 0
    assert world.show()["suspensions"] == []
    assert not world.directory().may_receive("newsroom-dx", time.time())

    # Two groups expel it.
    how = ["--remove", "newsroom-dx"]
    told = world.decide(government.propose(*how), "industry", "civil-society")
    assert "removes organisation newsroom-dx" in told
    assert "removes organisation newsroom-dx" in world.others_see(5)
    assert {*world.directory().members} == {"cert-bx"}

    # What was published, python-tuf's client takes from the root pinned at first.
    client = world.client()
    assert client.get_targetinfo("members/newsroom-dx.json") is None
    found = client.get_targetinfo("members/cert-bx.json")
    assert found is not None
    loaded = json.loads(Path(client.download_target(found)).read_bytes())
    assert len(loaded["keys"]) == 2
    assert client.get_targetinfo("suspensions/hub.json") is not None


def test_one_group_alone_changes_nothing_and_is_told_who_is_missing(world, tmp_path):
    before = {p: p.read_bytes() for p in world.public.rglob("*") if p.is_file()}
    proposal = world.groups["industry"].propose("--add", entry(tmp_path, "cert-bx"))
    world.groups["industry"].sign(proposal)
    world.said()
    assert world.publish(proposal) == 1
    assert "1 more needed of civil-society, government" in world.said()
    assert before == {p: p.read_bytes() for p in world.public.rglob("*") if p.is_file()}


def test_a_group_that_lost_its_key_gets_another_one_and_the_old_counts_no_more(
    world, tmp_path
):
    lost = world.groups["industry"].key
    fresh = Group("industry", tmp_path / "fresh", world)
    for group in world.groups.values():
        group.fetch()
    proposal = tmp_path / "rotate.json"
    how = ["--group", f"industry={tmp_path / 'fresh' / 'industry.jwk'}"]
    how += ["--title", "industry lost its key", "-o", str(proposal)]
    assert (
        run(["directory", "rotate-root", *world.groups["government"].held, *how]) == 0
    )
    shutil.copytree(world.public, tmp_path / "fresh" / "copy")
    shutil.copy(world.root, fresh.root)
    assert fresh.sign(proposal) == 0, world.said()
    told = world.decide(proposal, "government", "civil-society")
    assert "replaces the key by which group industry decides" in told
    assert "no difference" in world.others_see(1)
    assert world.client().get_targetinfo("suspensions/industry.json") is not None

    proposal = world.groups["government"].propose("--add", entry(tmp_path, "cert-bx"))
    world.said()
    stale = ["--key", str(lost), "--yes", *world.groups["government"].held]
    assert run(["directory", "sign", str(proposal), *stale]) == 1
    assert "proposal-key" in world.said()
