"""tocsin interests: what a member wants, changed, told and tried before."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from adapters.cli import main as command
from adapters.interests import Interests
from adapters.interests_file import read
from broker.archive import Archived, open_archive
from broker.sdjwt import token_id
from broker.seen import make_stamp
from tests.support import records

SAMPLES = [entry["file"].removesuffix(".json") for entry in records.SAMPLE_INDEX]
CONFIG = """
name = "main"
org = "hub"
display_name = "Hub"
directory = "directory"
key = "hub.key"
id_key = "p"
pseudonym_keys = "pseudonyms"
outbox = "outbox.sqlite"
[broker]
url = "amqp://127.0.0.1:1/"
user = "x"
password_file = "pw"
[[members]]
org = "monitor-veritas"
interests = "interests/monitor-veritas.toml"
[[members.sinks]]
type = "file"
name = "files"
folder = "out"
[[members]]
org = "platform-lumen"
[[members.sinks]]
type = "file"
name = "files"
folder = "out"
"""
ORG = "monitor-veritas"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = command.run(["interests", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with two members that read, and tokens of every sample."""
    monkeypatch.setattr("time.time", lambda: float(records.NOW))
    (tmp_path / "adapter.toml").write_text(CONFIG)
    folder = tmp_path / "directory" / "members"
    folder.mkdir(parents=True)
    for org, audience in {
        "cert-aq": "peer-cert",
        "platform-lumen": "platform",
        ORG: "civil-society",
    }.items():
        entry = records.member(
            records.signer(org), audience=audience, kinds=(*records.KINDS, "feedback")
        )
        (folder / f"{org}.json").write_bytes(msgspec.json.encode(entry))
    (tmp_path / "tokens" / "old").mkdir(parents=True)
    for entry in records.SAMPLE_INDEX:
        name = entry["file"].removesuffix(".json")
        path = tmp_path / "tokens" / f"{name}.token"
        path.write_bytes(records.sample_token(entry))
    (tmp_path / "tokens" / "README").write_text("no token")
    return tmp_path


def own(hub: Path, member: str = ORG) -> tuple[object, ...]:
    return "--config", hub / "adapter.toml", "--member", member


def file(hub: Path) -> Path:
    return hub / "interests" / f"{ORG}.toml"


# -------------------------------------------------------------------------------- set


def test_a_filter_is_set_told_and_narrowed_step_by_step(hub: Path, run: Run) -> None:
    code, out, err = run(
        "set", *own(hub), "--country", "th", "--country", "MY", "--kind", "incident"
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "kinds: incident (before: any)",
        "countries: MY, TH (before: any)",
    ]
    assert "about Malaysia (MY) or Thailand (TH); corrections" in out
    code, out, _ = run("set", *own(hub), "--clear", "kind", "--least-severity", "high")
    assert out.splitlines()[:2] == [
        "kinds: any (before: incident)",
        "least severity: high (before: any)",
    ]
    assert read(file(hub)) == Interests(countries=("MY", "TH"), least_severity="high")


def test_a_program_is_told_what_is_different(hub: Path, run: Run) -> None:
    run("set", *own(hub), "--language", "th", "--sector", "energy")
    code, out, _ = run("set", *own(hub), "--language", "my", "--json")
    facts = json.loads(out)
    assert (code, facts["ok"], facts["member"]) == (0, True, ORG)
    assert facts["changed"] == {"languages": {"before": ["th"], "after": ["my"]}}
    assert facts["interests"]["sectors"] == ["energy"]
    assert facts["interests"]["least_severity"] == []
    assert facts["says"].startswith("You get")


def test_setting_the_same_again_changes_nothing(hub: Path, run: Run) -> None:
    run("set", *own(hub), "--country", "TH")
    file(hub).write_text(f"# ours\n{file(hub).read_text()}")
    before = file(hub).stat().st_mtime_ns
    assert "Nothing is different." in run("set", *own(hub), "--country", "TH")[1]
    assert file(hub).stat().st_mtime_ns == before
    assert "comments" in run("set", *own(hub), "--country", "MY")[1]


def test_an_issuer_must_be_in_the_directory(hub: Path, run: Run) -> None:
    code, _, err = run("set", *own(hub), "--issuer", "cert-aqq")
    assert code == 2
    assert "did you mean cert-aq?" in err
    assert run("set", *own(hub), "--issuer", "cert-aq")[0] == 0
    assert read(file(hub)).issuers == ("cert-aq",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "say what to change: --issuer, --kind"),
        (("--country", "Thailand"), "did you mean TH?"),
        (("--kind", "retraction"), "always comes"),
        (("--least-severity", "critical"), "did you mean extreme?"),
        (("--country", "TH", "--clear", "country"), "give either"),
        (("--clear", "persons"), "Choose from"),
        (("--person", "Ilvara"), "Unknown option"),
        (("--issuer", "CERT Aquenia"), "no name of an organisation"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(
    hub: Path, run: Run, options: tuple[str, ...], said: str
) -> None:
    code, out, err = run("set", *own(hub), *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not file(hub).exists()


def test_a_member_without_a_file_is_told_which_line_to_write(
    hub: Path, run: Run
) -> None:
    code, _, err = run("set", *own(hub, "platform-lumen"), "--country", "TH")
    assert code == 2
    line = 'interests = "interests/platform-lumen.toml"'
    assert line in err
    config = hub / "adapter.toml"
    named = 'org = "platform-lumen"'
    config.write_text(config.read_text().replace(named, f"{named}\n{line}"))
    assert run("set", *own(hub, "platform-lumen"), "--country", "TH")[0] == 0


def test_a_member_that_is_not_served_is_refused_with_the_nearest(
    hub: Path, run: Run
) -> None:
    for name in ("set", "show", "simulate"):
        more = {"set": ["--country", "TH"], "simulate": [hub]}.get(name, [])
        code, _, err = run(name, *own(hub, "monitor-verita"), *more)
        assert code == 2
        assert "did you mean monitor-veritas?" in err


# ------------------------------------------------------------------------------- show


def test_a_filter_is_shown_by_member_and_by_file(hub: Path, run: Run) -> None:
    run("set", *own(hub), "--kind", "campaign", "--kind", "incident")
    by_member = run("show", *own(hub))
    assert by_member[:2] == run("show", file(hub))[:2]
    assert by_member[1].startswith("You get incidents and campaigns from any issuer;")
    facts = json.loads(run("show", file(hub), "--json")[1])
    assert facts["interests"]["kinds"] == ["campaign", "incident"]


def test_a_member_without_a_filter_is_told_so(hub: Path, run: Run) -> None:
    code, out, _ = run("show", *own(hub, "platform-lumen"))
    assert code == 0
    assert "There is no filter" in out
    assert "names no file of interests for platform-lumen" in out


def test_show_takes_a_file_or_a_member(hub: Path, run: Run) -> None:
    for arguments in ([], ["--member", ORG], [file(hub), *own(hub)]):
        code, _, err = run("show", *arguments)
        assert code == 2
        assert "give either" in err


def test_a_wrong_file_is_told_with_its_line(hub: Path, run: Run) -> None:
    path = hub / "f.toml"
    path.write_text('kinds = ["incident"]\ncountries = ["Thailand"]\n')
    code, _, err = run("show", path)
    assert code == 2
    assert "f.toml, line 2: " in err
    assert "did you mean TH?" in err


# --------------------------------------------------------------------------- simulate


def simulated(run: Run, hub: Path, *more: object) -> dict[str, object]:
    code, out, err = run("simulate", *own(hub), *more, "--json")
    assert (code, err) == (0, "")
    return dict(json.loads(out))


def test_without_a_filter_everything_comes_that_the_policy_gives(
    hub: Path, run: Run
) -> None:
    file(hub).parent.mkdir()
    file(hub).touch()
    facts = simulated(run, hub, hub / "tokens")
    assert facts["records"] == len(SAMPLES)
    assert facts["before"] == facts["after"]


def test_a_filter_is_tried_before_it_is_set(hub: Path, run: Run) -> None:
    file(hub).parent.mkdir()
    file(hub).touch()
    trial = hub / "trial.toml"
    trial.write_text('countries = ["TH"]')
    facts = simulated(run, hub, hub / "tokens", "--file", trial)
    each = {Path(e["file"]).stem: e for e in facts["each"]}  # type: ignore[attr-defined]
    assert each["election-leak"]["reason"] == "interest-country"
    assert each["bank-phishing-correction"]["comes"]
    assert each["ai-video-retraction"]["comes"]
    assert facts["after"] < facts["before"]  # type: ignore[operator]
    assert sum(facts["not_given"].values()) == (  # type: ignore[attr-defined]
        facts["records"] - facts["after"]  # type: ignore[operator]
    )
    code, out, _ = run("simulate", *own(hub), hub / "tokens", "--file", trial)
    assert code == 0
    assert "interest-country: the member's own filter names none" in out
    last = out.splitlines()[-1]
    assert f"would have got {facts['before']} without a filter" in last
    assert f"and {facts['after']} with it" in last


def test_a_new_version_of_what_came_comes_too(hub: Path, run: Run) -> None:
    place = records.plain_object("location", country="TH", name=None)
    del place["name"]
    first = records.token(records.draft(records.incident(), place))
    other = {**place, "country": "MY"}
    changed = records.incident(modified="2026-12-01T11:00:00.000Z")
    later = records.draft(changed, other)
    tokens = hub / "versions"
    tokens.mkdir()
    (tokens / "1.token").write_bytes(first)
    (tokens / "2.token").write_bytes(records.token(later, replaces="a" * 43))
    (tokens / "again.sdjwt").write_bytes(first)  # the same record counts once
    for countries, comes in {"TH": [True, True], "MY": [False, True]}.items():
        run("set", *own(hub), "--country", countries)
        facts = simulated(run, hub, tokens)
        assert [e["comes"] for e in facts["each"]] == comes  # type: ignore[attr-defined]
    run("set", *own(hub), "--country", "SG")
    assert simulated(run, hub, tokens)["after"] == 0


def test_the_archive_of_the_gate_tells_what_would_have_come(
    hub: Path, run: Run
) -> None:
    def stamp(**told: object) -> str:
        return make_stamp(records.signer("hub"), **told)  # type: ignore[arg-type]

    items = [
        Archived(
            token_id=token_id(token),
            issuer="cert-aq",
            sub="x",
            ver="x",
            kind="incident",
            tlp="GREEN",
            first_seen=records.NOW - days * 86_400,
            token=token,
        )
        for days, name in ((9, "bank-phishing"), (1, "election-leak"))
        for token in [(hub / "tokens" / f"{name}.token").read_bytes()]
    ]
    path = hub / "archive.sqlite"
    with open_archive(path) as archive:
        archive.append(items, stamp)
        run("set", *own(hub), "--country", "TH")
        facts = simulated(run, hub, path)  # while the gate has it open
    assert (facts["records"], facts["before"], facts["after"]) == (2, 2, 0)
    [last] = simulated(run, hub, path, "--since", 2)["each"]  # type: ignore[misc]
    assert last["file"] == f"{path} number 2"
    assert run("simulate", *own(hub), hub / "no.sqlite")[0] == 2
    assert not (hub / "no.sqlite").exists()


def test_only_the_days_asked_for_count(
    hub: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("set", *own(hub), "--clear", "kind")
    monkeypatch.setattr("time.time", lambda: records.NOW + 3 * 86_400.0)
    assert simulated(run, hub, hub / "tokens", "--since", 2)["records"] == 0
    assert simulated(run, hub, hub / "tokens", "--since", 4)["records"] == len(SAMPLES)
    assert run("simulate", *own(hub), hub / "tokens", "--since", "0")[0] == 2


def test_what_is_no_token_is_refused_and_the_rest_is_tried(hub: Path, run: Run) -> None:
    run("set", *own(hub), "--clear", "kind")
    good = hub / "tokens" / "election-leak.token"
    code, out, err = run("simulate", *own(hub), hub / "tokens" / "README", good)
    assert code == 1
    assert "refused: " in err
    assert "Of 1 record, " in out
    for paths in ([], [hub / "tokens" / "old"], [hub / "none.token"]):
        assert run("simulate", *own(hub), *paths)[0] == 2


def test_what_the_policy_does_not_give_is_not_the_filter_s_doing(
    hub: Path, run: Run
) -> None:
    run("set", *own(hub), "--kind", "advisory")
    path = hub / "directory" / "members" / f"{ORG}.json"
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "communities": ["urn:tocsin:community:far"]}))
    facts = simulated(run, hub, hub / "tokens")
    assert (facts["before"], facts["after"]) == (0, 0)
    assert facts["not_given"] == {"community": len(SAMPLES)}
