"""The command, sealing: from a RED object to the member that it is for, by hand."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.cli import main as command
from broker import carried
from schemas import timestamps
from schemas.markings import TLP_IDS, Tlp
from tests.support.policy_files import shipped
from tests.support.records import incident, plain_object
from tests.support.sealing import CANARY, RED

Run = Callable[..., tuple[int, str, str]]
GREEN = [TLP_IDS[Tlp.GREEN]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def entry(folder: Path, org: str, **facts: Any) -> None:
    """A member of the directory, with the keys that its owner has shared."""
    validity = {
        "not_before": "2020-01-01T00:00:00Z",
        "not_after": "2099-01-01T00:00:00Z",
    }

    def keys(name: str) -> list[Any]:
        path = folder / f"{name}.jwk"
        jwk = json.loads(path.read_text()) if path.exists() else None
        return [{"jwk": jwk, **validity}] if jwk else []

    told = {
        "org": org, "name": org, "country": "XA", "audience": "peer-cert",
        "clearance": "RED", "kinds": ["incident"], "keys": keys(org),
        "sealing": keys(f"{org}.sealing"), **facts,
    }  # fmt: skip
    path = folder / "directory" / "members" / f"{org}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(told))


@pytest.fixture
def place(tmp_path: Path, run: Run) -> Path:
    """An issuer, two members that can open, one that is not cleared, a record."""
    assert run("keygen", "--org", "cert-aq", "--out", tmp_path)[0] == 0
    for org, more in (("cert-bx", ()), ("cert-cv", ("--hybrid",)), ("watch-y", ())):
        done = run("keygen", "--org", org, "--sealing", *more, "--out", tmp_path)
        assert done[0] == 0
    for org in ("cert-aq", "cert-bx", "cert-cv"):
        entry(tmp_path, org)
    entry(tmp_path, "watch-y", audience="civil-society", kinds=[])
    now = timestamps.from_epoch(1_790_000_000)
    red = plain_object(
        "indicator", 7, pattern=f"[ipv4-addr:value = '{CANARY}']", pattern_type="stix",
        valid_from=now, object_marking_refs=RED,
    )  # fmt: skip
    objects = [incident(object_marking_refs=GREEN, created=now, modified=now), red]
    for each in objects:
        each |= {"created": now, "modified": now}
    bundle = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001"}
    (tmp_path / "in.json").write_bytes(
        msgspec.json.encode(bundle | {"objects": objects})
    )
    return tmp_path


def sign(run: Run, place: Path, *more: object) -> tuple[int, str, str]:
    return run(
        "sign", place / "in.json", "--key", place / "cert-aq.key", "--issuer", "cert-aq",
        "-o", place / "out.json", *more,
    )  # fmt: skip


def seal_to(run: Run, place: Path, *orgs: str) -> tuple[int, str, str]:
    names = [word for org in orgs for word in ("--seal-to", org)]
    return sign(
        run, place, *names, "--directory", place / "directory", "--full", place / "full"
    )


def open_as(run: Run, place: Path, org: str, *more: object) -> tuple[int, str, str]:
    return run(
        "open", place / "out.json", "--key", place / f"{org}.sealing.key", "--member",
        org, "--directory", place / "directory", *more,
    )  # fmt: skip


def test_red_is_refused_with_what_to_do_and_sealed_when_somebody_is_named(
    run: Run, place: Path
) -> None:
    code, _, err = sign(run, place)
    assert (code, "--seal-to" in err) == (1, True)
    assert seal_to(run, place, "cert-bx")[:2] == (0, "")
    record = carried.decode((place / "out.json").read_bytes())
    assert len(record.sealed) == 1


def test_whom_it_is_sealed_to_opens_it_and_writes_it_for_itself_alone(
    run: Run, place: Path
) -> None:
    seal_to(run, place, "cert-bx", "cert-cv")
    for org in ("cert-bx", "cert-cv"):
        bundle, evidence = place / f"{org}.bundle", place / f"{org}.evidence"
        done = open_as(run, place, org, "--projection", bundle, "--evidence", evidence)
        assert done[0] == 0
        assert CANARY in bundle.read_text()
        for path in (bundle, evidence):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        # In the clear it is a record no more: nobody passes it on by mistake.
        code, _, err = run("verify", evidence, "--directory", place / "directory")
        assert (code, "needs-sealing" in err) == (1, True)


def test_who_it_is_not_sealed_to_is_told_so(run: Run, place: Path) -> None:
    seal_to(run, place, "cert-bx")
    code, out, err = open_as(run, place, "cert-cv")
    assert (code, out, "sealed-for-others" in err) == (1, "", True)


def test_everybody_else_sees_that_something_is_sealed(run: Run, place: Path) -> None:
    seal_to(run, place, "cert-bx")
    code, out, _ = run(
        "verify", place / "out.json", "--directory", place / "directory", "--json"
    )
    facts = json.loads(out)
    assert code == 0
    assert (facts["sealed"], facts["sealed_parts"]) == (1, 1)
    assert CANARY not in out


def test_nobody_is_sealed_to_who_may_not_have_it(run: Run, place: Path) -> None:
    code, _, err = seal_to(run, place, "watch-y")
    assert (code, "seal-nothing" in err, "watch-y" in err) == (1, True, True)
    assert not (place / "out.json").exists()


def test_who_seals_and_who_opens_goes_by_the_directorys_policy(
    run: Run, place: Path
) -> None:
    seal_to(run, place, "cert-bx")
    (place / "directory" / "policies").mkdir()
    (place / "directory" / "policies" / "default.toml").write_bytes(
        shipped(
            "The pattern of an indicator",
            **dict.fromkeys(("peer_cert", "platform", "civil_society"), "drop"),
            only=None,
            without=["public-patterns"],
        )
    )
    bundle = place / "bundle"
    assert open_as(run, place, "cert-bx", "--projection", bundle)[0] == 0
    assert CANARY not in bundle.read_text()
    done = open_as(run, place, "cert-bx", "--policy", "shipped", "--projection", bundle)
    assert done[0] == 0
    assert CANARY in bundle.read_text()
    # The indicator without its pattern is none, so there is nothing to seal.
    code, _, err = seal_to(run, place, "cert-bx")
    assert (code, "seal-nothing" in err) == (1, True)


def test_a_member_that_comes_later_gets_it_under_the_same_token_id(
    run: Run, place: Path
) -> None:
    seal_to(run, place, "cert-bx")
    before = carried.decode((place / "out.json").read_bytes()).token_id
    assert stat.S_IMODE((place / "full").stat().st_mode) == 0o600
    done = run(
        "reseal", place / "out.json", "--to", "cert-cv", "--full", place / "full",
        "--directory", place / "directory", "-o", place / "out.json",
    )  # fmt: skip
    assert done[0] == 0
    assert carried.decode((place / "out.json").read_bytes()).token_id == before
    code, _, _ = open_as(run, place, "cert-cv", "--projection", place / "p.json")
    assert code == 0
    assert CANARY in (place / "p.json").read_text()


def test_resealing_needs_what_was_kept_of_that_record(run: Run, place: Path) -> None:
    seal_to(run, place, "cert-bx")
    mine = ("--to", "cert-cv", "--directory", place / "directory")
    assert run("reseal", place / "out.json", *mine)[0] == 2
    (place / "other").write_text("{}")
    assert run("reseal", place / "out.json", *mine, "--full", place / "other")[0] == 2
    kept = (place / "full").read_bytes()
    seal_to(run, place, "cert-bx")
    (place / "full").write_bytes(kept)
    code, _, err = run("reseal", place / "out.json", *mine, "--full", place / "full")
    assert (code, "another record" in err) == (2, True)


def test_sealing_needs_the_directory_and_members_with_keys(
    run: Run, place: Path
) -> None:
    assert sign(run, place, "--seal-to", "cert-bx")[0] == 2
    assert seal_to(run, place, "cert-nobody")[0] == 2
    code, _, err = seal_to(run, place, "cert-aq")
    assert (code, "no-sealing-key" in err, "cert-aq" in err) == (1, True, True)


def test_what_belongs_to_signing_keys_is_refused_for_sealing_keys(
    run: Run, tmp_path: Path
) -> None:
    args = ("keygen", "--org", "cert-aq", "--out", tmp_path)
    assert run(*args, "--hybrid")[0] == 2
    assert run(*args, "--sealing", "--passphrase")[0] == 2
    code, out, _ = run(*args, "--sealing", "--hybrid", "--json")
    assert (code, json.loads(out)["kid"][:8]) == (0, "cert-aq/")


def test_a_joint_record_keeps_what_is_sealed_and_all_signatures(
    run: Run, place: Path
) -> None:
    known = ("--directory", place / "directory")
    assert run("keygen", "--org", "cert-cv", "--out", place)[0] == 0
    entry(place, "cert-cv")
    names = ("--seal-to", "cert-bx", "--with", "cert-cv")
    assert sign(run, place, *names, *known)[:2] == (0, "")
    lead = carried.decode((place / "out.json").read_bytes())
    key = ("--key", place / "cert-cv.key", "--issuer", "cert-cv")
    code, out, shown = run("cosign", place / "out.json", *key, *known)
    assert (code, out) == (0, "2 of 2\n")
    assert "Sealed parts are signed too" in shown
    whole = carried.decode((place / "out.json").read_bytes())
    assert (whole.token, whole.sealed) == (lead.token, lead.sealed)
    assert (len(whole.also), len(whole.sealed)) == (1, 1)
    code, out, _ = open_as(run, place, "cert-bx", "--projection", place / "plain.json")
    assert code == 0, out
    assert CANARY in (place / "plain.json").read_text()
