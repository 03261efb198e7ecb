"""`tocsin directory`: what people type, what they are told, and what is refused.

tests/e2e/test_directory.py runs the whole way; here are its turnings.
"""

import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from adapters.cli import directory_reading, directory_show, directory_sign
from adapters.cli.main import run
from broker import directory_proposal
from broker.directory_change import Change
from tests.support import records
from tests.support.directory_groups import copied, entry, founded
from tests.support.policy_files import SHIPPED, shipped
from tests.support.tuf_groups import Groups


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return founded(tmp_path_factory.mktemp("world")).folder


@pytest.fixture
def world(template, tmp_path, capsys):
    return copied(template, tmp_path, capsys)


def typed(world, *args, code=0):
    """Run a command of the group; what it said."""
    world.said()
    found = run(["directory", *map(str, args)])
    told = world.said()
    assert found == code, told
    return told


def later(monkeypatch, **passed):
    """Let time pass, for the commands."""
    then = directory_reading.now() + timedelta(**passed)
    for module in (directory_reading, directory_show, directory_sign):
        monkeypatch.setattr(module, "now", lambda: then)


def admitted(world, tmp_path, org="cert-bx", **changes):
    proposal = world.groups["government"].propose(
        "--add", entry(tmp_path, org, **changes)
    )
    world.decide(proposal, "government", "industry")


# ------------------------------------------------------------------------- init


def init(world, tmp_path, *args, code=2):
    keys = {name: group.folder / f"{name}.jwk" for name, group in world.groups.items()}
    online = tmp_path / "hub" / "online.jwk"
    named = [x for n, k in keys.items() for x in ("--group", f"{n}={k}")]
    more = ["--online", online, "-o", tmp_path / "again.json"]
    return typed(world, "init", *(args or named), *more, code=code)


def test_one_group_founds_no_directory(world, tmp_path):
    key = world.groups["industry"].folder / "industry.jwk"
    told = init(world, tmp_path, "--group", f"industry={key}")
    assert "the threshold is at least 2, so that nobody decides alone" in told


@pytest.mark.parametrize("threshold", ["1", "4"])
def test_a_threshold_that_one_could_meet_or_nobody_is_refused(
    world, tmp_path, threshold
):
    keys = [
        part
        for name, group in world.groups.items()
        for part in ("--group", f"{name}={group.folder / name}.jwk")
    ]
    assert "threshold" in init(world, tmp_path, *keys, "--threshold", threshold)


def test_one_key_is_not_two_groups(world, tmp_path):
    key = world.groups["industry"].folder / "industry.jwk"
    told = init(
        world,
        tmp_path,
        "--group",
        f"a-group={key}",
        "--group",
        f"b-group={key}",
        code=1,
    )
    assert "directory-roles" in told


@pytest.mark.parametrize("given", ["industry", "industry=/nowhere"])
def test_a_group_without_a_key_is_told(world, tmp_path, given):
    init(world, tmp_path, "--group", given, "--group", given)


def test_a_key_of_another_kind_is_told(world, tmp_path):
    assert run(["keygen", "--org", "x1", "--out", str(tmp_path), "--alg", "ES256"]) == 0
    told = init(world, tmp_path, "--group", f"x1={tmp_path / 'x1.jwk'}")
    assert "Ed25519" in told
    (tmp_path / "x1.jwk").write_text("{}")
    assert "no public key" in init(
        world, tmp_path, "--group", f"x1={tmp_path / 'x1.jwk'}"
    )


def test_a_second_directory_is_not_published_over_the_first(world, tmp_path):
    init(world, tmp_path, code=0)
    told = typed(
        world,
        *("publish", tmp_path / "again.json", "--directory", world.public),
        *("--online-key", tmp_path / "hub" / "online.key"),
        code=2,
    )
    assert "give its --root" in told


# ---------------------------------------------------------------------- propose


def test_nothing_proposed_is_told(world, tmp_path):
    told = typed(
        world,
        "propose",
        *world.held,
        "--title",
        "nothing",
        "-o",
        tmp_path / "p",
        code=2,
    )
    assert "nothing changes" in told
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (["--reason", "retired"], "belong to --revoke-key"),
        (["--remove", "nobody"], "no organisation nobody"),
        (["--revoke-key", "hub/x", "--reason", "retired"], "hub has no key hub/x; it has"),
        (["--confirm-suspension", "hub"], "no party suspends"),
        (["--from", "."], "no members/"),
        (["--renew", "--author", "x" * 101], "a title has"),
    ],
)  # fmt: skip
def test_what_cannot_be_proposed_is_told(world, tmp_path, args, fault, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    told = typed(
        world,
        "propose",
        *world.held,
        "--title",
        "a change",
        "-o",
        tmp_path / "p",
        *args,
        code=2,
    )
    assert fault in told


def test_what_is_no_text_is_told(world, tmp_path):
    (tmp_path / "bad").write_bytes(b"\xff")
    args = ["--title", "a change", "-o", tmp_path / "p", "--add", tmp_path / "bad"]
    assert "not UTF-8" in typed(world, "propose", *world.held, *args, code=2)


def test_two_owners_of_one_key_are_refused_before_anybody_signs(world, tmp_path):
    key = records.key_entry(records.signer("hub"))
    key = msgspec.structs.replace(
        key, jwk=msgspec.structs.replace(key.jwk, kid=msgspec.UNSET)
    )
    path = entry(tmp_path, "cert-bx", keys=(key,))
    args = ["--title", "a change", "-o", tmp_path / "p", "--add", path]
    assert "directory-entry" in typed(world, "propose", *world.held, *args, code=1)


def test_a_folder_is_unpacked_edited_and_proposed(world, tmp_path):
    admitted(world, tmp_path)
    typed(world, "show", *world.held, "--unpack", tmp_path / "edit")
    member = tmp_path / "edit" / "members" / "cert-bx.json"
    assert {p.name for p in (tmp_path / "edit").iterdir()} == {"members", "services"}
    member.write_text(member.read_text().replace("Cert Bx", "CERT BX"))
    policies = tmp_path / "edit" / "policies"
    policies.mkdir()
    shutil.copy(SHIPPED, policies / "default.toml")
    proposal = world.groups["industry"].propose("--from", str(tmp_path / "edit"))
    told = world.decide(proposal, "industry", "civil-society")
    assert "cert-bx: name Cert Bx -> CERT BX" in told
    assert "adds policy default/" in told
    assert world.show()["policies"] == ["policies/default.toml"]


def test_a_policy_is_told_by_what_it_reveals(world, tmp_path):
    shutil.copy(SHIPPED, tmp_path / "default.toml")
    proposal = world.groups["industry"].propose(
        "--policy", str(tmp_path / "default.toml")
    )
    world.decide(proposal, "industry", "civil-society")
    wider = shipped("How an incident was noticed", civil_society="keep")
    (tmp_path / "default.toml").write_bytes(wider)
    told = typed(
        world,
        *("propose", *world.held, "--title", "show more", "-o", tmp_path / "p"),
        *("--policy", tmp_path / "default.toml"),
    )
    assert "+ policy default reveals more to civil-society" in told
    assert "How an incident was noticed" in told


def test_the_policy_that_tocsin_comes_with_needs_no_file(world, tmp_path):
    proposal = world.groups["industry"].propose("--policy", "shipped")
    told = world.decide(proposal, "industry", "civil-society")
    assert "adds policy default/" in told
    unpacked = str(tmp_path / "unpacked")
    assert run(["directory", "show", *world.held, "--unpack", unpacked]) == 0
    found = tmp_path / "unpacked" / "policies" / "default.toml"
    assert found.read_bytes() == SHIPPED.read_bytes()


def test_who_asks_to_join_is_proposed_with_the_fingerprint_to_compare(world, tmp_path):
    asked = [
        "--org",
        "cert-bx",
        "--name",
        "CERT BX",
        "--country",
        "XB",
        "--audience",
        "peer-cert",
    ]
    asked += ["--contact", "+99 1", "--out", str(tmp_path / "bx")]
    assert run(["join", *asked]) == 0
    request = tmp_path / "bx" / "cert-bx.join.json"
    told = typed(
        world,
        "propose",
        *world.held,
        "--join",
        request,
        "--title",
        "admit",
        "-o",
        tmp_path / "p",
    )
    assert "cert-bx is to read this to you over another channel: " in told
    assert "adds organisation cert-bx (CERT BX, XB)" in told


# ------------------------------------------------------------------- diff, sign


def test_a_diff_reads_as_json(world, tmp_path):
    proposal = world.groups["industry"].propose("--add", entry(tmp_path, "cert-bx"))
    found = json.loads(typed(world, "diff", proposal, *world.held, "--json"))
    assert found["changes"][0]["mark"] == "more"
    assert found["signatures"][0]["needed"] == 2
    assert found["complete"] is False
    admitted(world, tmp_path)
    found = json.loads(typed(world, "diff", "--since", 1, *world.held, "--json"))
    assert (found["from"], found["to"]) == (1, 2)
    assert found["changes"][0]["text"].startswith("adds organisation cert-bx")


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ([], "give either a proposal, or --since"),
        (["--since", "1"], "--since needs"),
        (["{p}", "--directory", "{d}"], "give both"),
    ],
)
def test_a_diff_of_nothing_is_told(world, tmp_path, args, fault):
    proposal = world.groups["industry"].propose("--renew")
    named = [each.format(p=proposal, d=world.public) for each in args]
    assert fault in typed(world, "diff", *named, code=2)


def test_a_change_is_not_signed_as_a_new_directory(world):
    proposal = world.groups["industry"].propose("--renew")
    key = world.groups["industry"].key
    assert "proposal-base" in typed(
        world, "sign", proposal, "--key", key, "--yes", code=1
    )


def test_a_proposal_that_asks_for_other_bytes_is_refused(world, tmp_path):
    industry = world.groups["industry"]
    said = industry.propose("--add", entry(tmp_path, "cert-bx"))
    done = industry.propose("--add", entry(tmp_path, "cert-cx"))
    tree = json.loads(said.read_text())
    tree["documents"] = json.loads(done.read_text())["documents"]
    said.write_text(json.dumps(tree))
    before = said.read_bytes()
    told = typed(
        world, "sign", said, "--key", industry.key, "--yes", *industry.held, code=1
    )
    assert "proposal-bytes" in told
    assert "do not sign" in " ".join(told.split())
    assert said.read_bytes() == before


def test_a_policy_that_nobody_could_load_is_not_signed(world, tmp_path):
    industry = world.groups["industry"]
    shutil.copy(SHIPPED, tmp_path / "default.toml")
    proposal = industry.propose("--policy", str(tmp_path / "default.toml"))
    # Made by somebody else's tool: the bytes follow from the change.
    state = directory_reading.held(world.public, world.root)
    made = directory_proposal.propose(
        state,
        Change(files={"policies/default.toml": "x = 1"}),
        title="bad",
        author="",
        made=directory_proposal.decode(proposal.read_bytes()).made,
    )
    proposal.write_bytes(directory_proposal.encode(made))
    told = typed(
        world, "sign", proposal, "--key", industry.key, "--yes", *industry.held, code=1
    )
    assert "directory-entry" in told


def test_nothing_is_signed_without_a_yes(world, monkeypatch, tmp_path):
    industry = world.groups["industry"]
    proposal = industry.propose("--renew")
    before = proposal.read_bytes()
    sign = ["sign", proposal, "--key", industry.key, *industry.held]
    assert "type --yes" in typed(world, *sign, code=2)
    for answer, code in (("no", 2), ("yes", 0)):
        assert proposal.read_bytes() == before
        (tmp_path / "answer").write_text(answer + "\n")
        with (tmp_path / "answer").open() as answers:
            monkeypatch.setattr(sys, "stdin", answers)
            monkeypatch.setattr(answers, "isatty", lambda: True)
            typed(world, *sign, code=code)
    assert proposal.read_bytes() != before


def test_a_key_that_others_can_read_signs_nothing(world):
    industry = world.groups["industry"]
    proposal = industry.propose("--renew")
    industry.key.chmod(0o644)
    told = typed(
        world, "sign", proposal, "--key", industry.key, "--yes", *industry.held, code=2
    )
    assert "readable by others" in told


def test_a_copy_that_has_expired_is_told_before_signing(world, monkeypatch):
    industry = world.groups["industry"]
    proposal = industry.propose("--renew")
    later(monkeypatch, days=8)
    told = typed(
        world, "sign", proposal, "--key", industry.key, "--yes", *industry.held
    )
    assert "your copy of the directory has expired (snapshot, timestamp)" in told


# ---------------------------------------------------------------------- publish


def test_copies_that_groups_signed_are_published_together(world, tmp_path):
    proposal = world.groups["industry"].propose("--add", entry(tmp_path, "cert-bx"))
    copies = []
    for name in ("industry", "civil-society"):
        group = world.groups[name]
        group.fetch()
        copies.append(group.folder / "signed.json")
        typed(
            world,
            "sign",
            proposal,
            "--key",
            group.key,
            "--yes",
            *group.held,
            "-o",
            copies[-1],
        )
    assert world.publish(copies[0]) == 1
    assert world.publish(*copies) == 0
    assert [each["org"] for each in world.show()["members"]] == ["cert-bx"]


def test_a_refresh_makes_it_good_for_seven_more_days(world, monkeypatch, tmp_path):
    later(monkeypatch, days=6)
    args = ["publish", "--refresh", "--directory", world.public, "--root", world.root]
    told = typed(world, *args, "--online-key", tmp_path / "hub" / "online.key")
    assert "version 1 is signed as the newest for 7 more days" in told
    later(monkeypatch, days=6)
    assert "valid: version 1" in typed(
        world, "verify", world.public, "--root", world.root
    )


def test_a_refresh_without_the_online_key_or_the_root_is_refused(world, tmp_path):
    args = ["publish", "--refresh", "--directory", world.public, "--online-key"]
    group = world.groups["industry"].key
    told = typed(world, *args, group, "--root", world.root, code=2)
    assert "not the key" in " ".join(told.split())
    assert "give its --root" in typed(
        world, *args, tmp_path / "hub" / "online.key", code=2
    )
    nowhere = [
        "--directory",
        tmp_path / "new",
        "--online-key",
        tmp_path / "hub" / "online.key",
    ]
    assert "give both" in typed(world, "publish", "--refresh", *nowhere, code=2)
    assert "either a proposal" in typed(world, "publish", *nowhere, code=2)


def test_a_rotation_that_broke_off_before_its_last_file_is_published_again(
    world, tmp_path
):
    assert run(["keygen", "--org", "online-2", "--out", str(tmp_path)]) == 0
    for group in world.groups.values():
        group.fetch()
    proposal = tmp_path / "rotate.json"
    how = [
        "--online",
        tmp_path / "online-2.jwk",
        "--title",
        "another online key",
        "-o",
        proposal,
    ]
    typed(world, "rotate-root", *world.held, *how)
    for name in ("government", "industry"):
        world.groups[name].sign(proposal)
    before = (world.public / "metadata" / "timestamp.json").read_bytes()
    publish = ["publish", proposal, "--directory", world.public, "--root", world.root]
    publish += ["--online-key", tmp_path / "online-2.key"]
    typed(world, *publish)
    after = {p: p.read_bytes() for p in (world.public / "metadata").iterdir()}
    (world.public / "metadata" / "timestamp.json").write_bytes(before)
    typed(world, "show", *world.held, code=1)
    assert "the root is new" in typed(world, *publish)
    assert {
        p: p.read_bytes() for p in (world.public / "metadata").iterdir()
    }.keys() == after.keys()
    assert "valid" in typed(world, "verify", world.public, "--root", world.root)
    # What was published whole is not published once more.
    assert "proposal-base" in typed(world, *publish, code=1)


# ---------------------------------------------------------------------- suspend


def test_a_group_suspends_by_a_file_that_the_hub_publishes(world, tmp_path):
    admitted(world, tmp_path)
    industry = world.groups["industry"]
    industry.fetch()
    file = tmp_path / "suspension.json"
    kid = records.signer("cert-bx").kid
    how = ["--party", "industry", "--key", industry.key, *industry.held, "-o", file]
    typed(
        world,
        "suspend",
        "cert-bx",
        *how,
        "--kid",
        kid,
        "--reason",
        "key seen elsewhere",
    )
    assert world.show()["suspensions"] == []
    assert world.publish(file) == 0
    [held] = world.show()["suspensions"]
    assert (held["party"], held["kid"]) == ("industry", kid)
    args = ("verify", world.public, "--root", world.root)
    assert f"industry suspends {kid} since" in typed(world, *args)
    assert json.loads(typed(world, *args, "--json"))["suspensions"] == [held]
    # Another party does not lift it.
    assert world.suspend("cert-bx", "--kid", kid, "--lift") == 2
    assert "hub does not suspend" in world.said()


def test_what_a_party_signs_and_is_no_list_is_told_and_counts_for_nothing(
    world, tmp_path
):
    groups = Groups(tmp_path / "theirs")
    member = Path(entry(tmp_path, "cert-cx")).read_bytes()
    groups.put("members/cert-cx.json", member)
    groups.publish()
    groups.suspend("industry", [])
    pinned = tmp_path / "their-root.json"
    pinned.write_bytes(groups.pinned)
    role = groups.suspensions["industry"]
    role.signed.version += 1
    groups._store(role.signed, "suspensions/industry.json", b"[]")
    groups.sign(role, [groups.keys["industry"]])
    groups.write(f"{role.signed.version}.suspensions-industry.json", role)
    groups.refresh()
    told = typed(world, "verify", groups.folder, "--root", pinned)
    assert "what industry suspends counts for nothing: suspensions-form" in told


@pytest.mark.parametrize(
    ("org", "args", "fault"),
    [
        ("cert-bx", ["--reason", "a reason"], "has no member cert-bx"),
        ("hub", ["--reason", "a reason"], "has no member hub"),
        ("cert-aq", [], "say why"),
        ("cert-aq", ["--reason", "x"], "say why"),
        ("cert-aq", ["--reason", "a reason", "--since", "today"], "--since is a moment"),
        ("cert-aq", ["--reason", "a reason", "--kid", "cert-bx/x"], "is no key of"),
        ("cert-aq", ["--lift"], "does not suspend"),
        ("cert-aq", ["--reason", "a reason", "-o", "x"], "give --online-key"),
    ],
)  # fmt: skip
def test_what_cannot_be_suspended_is_told(world, tmp_path, org, args, fault):
    admitted(world, tmp_path, "cert-aq")
    assert world.suspend(org, *args) == 2
    assert fault in world.said()


def test_who_may_not_suspend_is_told_who_may(world, tmp_path):
    world.groups["research"] = world.groups["industry"]
    assert world.suspend("cert-aq", "--reason", "a reason", party="research") == 2
    told = " ".join(world.said().split())
    assert (
        "research may not suspend; who may: government, industry, civil-society, hub"
        in told
    )


def test_a_party_suspends_by_its_own_key_alone(world, tmp_path):
    admitted(world, tmp_path)
    key = str(tmp_path / "hub" / "on-call.key")
    how = ["--party", "industry", "--key", key, *world.held, "--reason", "a reason"]
    file = tmp_path / "s.json"
    assert "proposal-key" in typed(
        world, "suspend", "cert-bx", *how, "-o", file, code=1
    )
    assert not file.exists()


# ------------------------------------------------------------------- rotate-root


def rotate(world, tmp_path, *args, code=0):
    how = ["--title", "other keys", "-o", tmp_path / "rotate.json"]
    return typed(world, "rotate-root", *world.held, *how, *args, code=code)


def test_groups_join_and_leave(world, tmp_path):
    assert run(["keygen", "--org", "research", "--out", str(tmp_path)]) == 0
    added = ["--group", f"research={tmp_path / 'research.jwk'}", "--threshold", "3"]
    told = rotate(
        world, tmp_path, *added, "--suspends", f"research={tmp_path / 'research.jwk'}"
    )
    assert "takes 3 groups, not 2, to decide" in told
    assert "adds group research, which decides" in told
    assert "lets research suspend at once" in told
    (tmp_path / "rotate.json").unlink()
    told = rotate(world, tmp_path, "--remove-group", "industry")
    assert "removes group industry, which decides no more" in told
    assert "lets industry suspend no more" in told


def test_the_on_call_key_is_replaced(world, tmp_path):
    assert run(["keygen", "--org", "on-call-2", "--out", str(tmp_path)]) == 0
    told = rotate(world, tmp_path, "--on-call", tmp_path / "on-call-2.jwk")
    assert "replaces the key by which hub suspends" in told


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (["--remove-group", "research"], "there is no group research"),
        (["--threshold", "1"], "the threshold is 2"),
        (["--remove-group", "industry", "--remove-group", "government"], "the threshold is 2"),
    ],
)  # fmt: skip
def test_keys_by_which_one_could_decide_are_refused(world, tmp_path, args, fault):
    assert fault in rotate(world, tmp_path, *args, code=2)


# ------------------------------------------------------------------ show, verify


def test_show_tells_people_who_is_in_and_what_expires(world, tmp_path):
    admitted(world, tmp_path, keys=())
    admitted(world, tmp_path, "cert-cx")
    assert world.suspend("cert-cx", "--reason", "stolen laptop") == 0
    told = typed(world, "show", *world.held)
    assert "2 of these groups decide: government, industry, civil-society" in told
    assert "who may suspend: government, industry, civil-society, hub" in told
    assert "hub suspends cert-cx since" in told
    assert records.signer("cert-cx").kid in told
    assert "service hub: gate, adapter" in told


def test_a_revoked_key_is_shown_as_that(world, tmp_path):
    key = records.key_entry(
        records.signer("cert-bx"),
        revoked_at="2026-06-01T00:00:00Z",
        revocation_reason="retired",
    )
    admitted(world, tmp_path, keys=(key,))
    assert "revoked 2026-06-01" in typed(world, "show", *world.held)


@pytest.mark.parametrize(
    ("days", "warning"),
    [
        (3, "timestamp expires in 4 days"),
        (8, "timestamp has expired on"),
        (160, "targets expires in 20 days"),
        (320, "root expires in 45 days"),
    ],
)
def test_people_are_warned_for_days_before_anything_expires(
    world, monkeypatch, days, warning
):
    later(monkeypatch, days=days, seconds=-60)
    assert any(each.startswith(warning) for each in world.show()["warnings"])


def test_a_key_that_is_about_to_end_is_warned_of(world, monkeypatch, tmp_path):
    until = directory_reading.now() + timedelta(days=10, hours=1)
    key = records.key_entry(
        records.signer("cert-bx"), not_after=until.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    admitted(world, tmp_path, keys=(key,))
    assert (
        f"key {records.signer('cert-bx').kid} expires in 10 days"
        in world.show()["warnings"]
    )


def test_an_expired_directory_is_not_valid(world, monkeypatch):
    later(monkeypatch, days=8)
    args = ["verify", world.public, "--root", world.root]
    assert "directory-expired at snapshot, timestamp" in typed(world, *args, code=1)
    found = json.loads(typed(world, *args, "--json", code=1).splitlines()[-1])
    assert (found["ok"], found["expired"]) == (False, ["snapshot", "timestamp"])


def test_verify_says_who_signed_each_version(world, tmp_path):
    admitted(world, tmp_path)
    found = json.loads(
        typed(world, "verify", world.public, "--root", world.root, "--json")
    )
    assert found["ok"] is True
    assert [(v["role"], v["number"], v["signed"]) for v in found["history"]] == [
        ("root", 1, ["civil-society", "government", "industry"]),
        ("targets", 1, ["civil-society", "government", "industry"]),
        ("targets", 2, ["government", "industry"]),
    ]


def test_a_folder_that_somebody_changed_is_not_valid(world, tmp_path):
    admitted(world, tmp_path)
    [place] = (world.public / "targets" / "members").iterdir()
    place.write_bytes(place.read_bytes().replace(b"peer-cert", b"platform "))
    told = typed(world, "verify", world.public, "--root", world.root, code=1)
    assert "directory-untrusted" in told


def test_a_plain_folder_is_no_signed_directory(world, tmp_path):
    told = typed(world, "verify", tmp_path / "start", "--root", world.root, code=2)
    assert "no directory in" in told


def test_two_histories_of_one_number_are_noticed_and_who_signed_both_is_told(
    world, tmp_path
):
    admitted(world, tmp_path, "cert-bx")
    older = tmp_path / "older"
    shutil.copytree(world.public, older)
    # The hub publishes one change here, and another of the same version there.
    here = world.groups["government"].propose("--add", entry(tmp_path, "cert-cx"))
    there = world.groups["government"].propose("--add", entry(tmp_path, "cert-dx"))
    for proposal, names in (
        (here, ("government", "industry")),
        (there, ("industry", "civil-society")),
    ):
        for name in names:
            world.groups[name].fetch()
            world.groups[name].sign(proposal)
    shown = tmp_path / "shown"
    shutil.copytree(world.public, shown)
    assert world.publish(here) == 0
    public, world.public = world.public, shown
    assert world.publish(there) == 0
    for folder in (public, shown):
        args = ["verify", folder, "--root", world.root]
        assert "valid: version 3" in typed(world, *args, "--against", older)
    told = typed(
        world, "verify", public, "--root", world.root, "--against", shown, code=1
    )
    assert "targets 3 is " in told
    assert "signed both: industry" in told
    assert "directory-forked" in told
