"""`tocsin sign --with`, `cosign`, `publish --with`/`--joint`: several sign one record."""

import io
import json
from pathlib import Path

import pytest

from broker import carried
from tests.adapters.test_cli_publish import LEAK
from tests.support.desks import Desks

NAMES = ("cert-aq", "cert-bv", "cert-cw", "cert-dx")
LEAD, SECOND, THIRD, OTHER = NAMES


class Table(Desks):
    """Four CERTs at one table."""

    def sign(self, out: Path, *options: object) -> tuple[int, str, str]:
        key = self.folder / f"{LEAD}.key"
        return self("sign", LEAK, "--key", key, "--issuer", LEAD, "-o", out, *options)

    def lead(self, *options: object) -> Path:
        out = self.folder / "joint.sdjwt"
        assert self.sign(out, *options)[0] == 0
        return out

    def cosign(self, org: str, file: Path, *more: object) -> tuple[int, str, str]:
        key = ("--key", self.folder / f"{org}.key", "--issuer", org)
        return self("cosign", file, *key, *self.known, *more)

    def verify(self, file: Path) -> tuple[int, dict]:
        code, out, _ = self("verify", file, *self.known, "--json")
        return code, json.loads(out)

    @property
    def known(self) -> tuple[object, ...]:
        return "--directory", self.folder / "directory"

    def change(self, org: str, **changes: object) -> None:
        path = self.folder / "directory" / "members" / f"{org}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def table(tmp_path, capfd, monkeypatch) -> Table:
    return Table(tmp_path, capfd, monkeypatch, NAMES)


def test_a_record_of_two_is_partial_until_the_second_has_signed(table):
    file = table.lead("--with", SECOND)
    code, said = table.verify(file)
    assert (code, said["ok"], said["signatures"]) == (1, False, "partial: 1 of 2")
    assert said["signed_by"] == [LEAD]
    code, out, _ = table.cosign(SECOND, file)
    assert (code, out) == (0, "2 of 2\n")
    code, said = table.verify(file)
    assert (code, said["ok"], said["signatures"]) == (0, True, "2 of 2")
    assert said["signed_by"] == said["may_sign"] == [LEAD, SECOND]


def test_verify_says_in_words_who_signed(table):
    file = table.lead("--with", SECOND)
    code, out, err = table("verify", file, *table.known)
    assert code == 1
    assert out.startswith("partial: 1 of 2, signed by cert-aq,")
    assert "refused: partial" in err
    table.cosign(SECOND, file)
    code, out, err = table("verify", file, *table.known)
    assert (code, err) == (0, "")
    assert out.startswith("valid signed by cert-aq and cert-bv,")


def test_who_signs_is_shown_what_is_signed_and_with_no_key_nothing_happens(table):
    file = table.lead("--with", SECOND)
    before = file.read_bytes()
    code, out, _ = table("cosign", file, *table.known)
    assert (code, file.read_bytes()) == (0, before)
    title = next(
        each["name"]
        for each in json.loads(LEAK.read_text())["objects"]
        if each["type"] == "incident"
    )
    signing = table.cosign(SECOND, file, "-o", table.folder / "out.json")[2]
    for shown in (out, signing):
        flat = " ".join(shown.split())
        assert title in flat
        assert "incident" in flat
        assert "partial: 1 of 2" in flat
        assert "cert-aq, cert-bv" in flat


def test_all_of_what_is_signed_can_be_read_first(table):
    file = table.lead("--with", SECOND)
    content = table.folder / "content.json"
    table("cosign", file, *table.known, "--content", content)
    bundle = json.loads(content.read_text())
    assert bundle["type"] == "bundle"
    assert len(bundle["objects"]) == table.verify(file)[1]["objects"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 2), ("n\n", 2)])
def test_at_a_terminal_it_asks_before_the_key_is_used(table, monkeypatch, answer, code):
    file = table.lead("--with", SECOND)
    before = file.read_bytes()
    typed = io.StringIO(answer)
    typed.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", typed)
    assert table.cosign(SECOND, file)[0] == code
    assert (file.read_bytes() == before) == (code != 0)


def test_several_sign_at_once_and_their_files_come_together(table):
    file = table.lead("--with", SECOND, "--with", THIRD)
    apart = [table.folder / f"{org}.json" for org in (SECOND, THIRD)]
    for org, out in zip((SECOND, THIRD), apart, strict=True):
        assert table.cosign(org, file, "-o", out)[1] == "partial: 2 of 3\n"
    whole = table.folder / "whole.json"
    done = table("cosign", "--merge", *apart, *table.known, "-o", whole)
    assert (done[0], done[1].splitlines()[-1]) == (0, "3 of 3")
    assert table.verify(whole)[1]["signed_by"] == [LEAD, SECOND, THIRD]


def test_two_of_three_are_enough_where_need_says_so(table):
    file = table.lead("--with", SECOND, "--with", THIRD, "--need", 2)
    assert table.cosign(THIRD, file)[1] == "2 of 2\n"
    assert table.verify(file)[1]["need"] == 2


def test_whom_the_record_does_not_name_cannot_sign_and_the_file_stays(table):
    file = table.lead("--with", SECOND)
    before = file.read_bytes()
    code, _, err = table.cosign(THIRD, file)
    assert (code, "foreign-cosigner" in err) == (1, True)
    assert table.cosign(LEAD, file)[0] == 1
    assert file.read_bytes() == before


def test_a_signature_that_would_not_count_is_not_given_out(table):
    file = table.lead("--with", SECOND)
    before = file.read_bytes()
    table.change(SECOND, kinds=["feedback"])
    code, _, err = table.cosign(SECOND, file)
    assert (code, "kind-not-allowed" in err) == (1, True)
    assert file.read_bytes() == before


def test_a_signature_that_stopped_counting_is_named(table):
    file = table.lead("--with", SECOND)
    table.cosign(SECOND, file)
    table.change(SECOND, kinds=["feedback"])
    code, said = table.verify(file)
    assert (code, said["signatures"]) == (1, "partial: 1 of 2")
    assert said["not_counted"] == ["cert-bv: kind-not-allowed"]


def test_what_is_cut_or_not_joint_cannot_be_cosigned(table):
    plain = table.lead()
    code, _, err = table.cosign(SECOND, plain)
    assert (code, "foreign-cosigner" in err) == (1, True)
    file = table.lead("--with", SECOND)
    jwt = file.read_bytes().partition(b"~")[0]
    file.write_bytes(jwt + b"~")
    code, _, err = table.cosign(SECOND, file)
    assert (code, "incomplete" in err) == (1, True)


def test_options_that_contradict_each_other_are_refused(table):
    out = table.folder / "x.sdjwt"
    file = table.lead("--with", SECOND)
    for options in (
        ("--need", 2),
        ("--with", SECOND, "--need", 1),
        ("--with", SECOND, "--need", 3),
        ("--with", LEAD),
        ("--with", "No Name"),
        [each for n in range(16) for each in ("--with", f"cert-x{n}")],
    ):
        assert table.sign(out, *options)[0] == 2
    key = table.folder / f"{SECOND}.key"
    for arguments in (
        ("cosign", *table.known),
        ("cosign", file, file, *table.known),
        ("cosign", file, "--merge", *table.known),
        ("cosign", file, file, "--merge", *table.known),
        ("cosign", file, "--key", key, *table.known),
    ):
        assert table(*arguments)[0] == 2
    assert not out.exists()


def test_a_partial_record_is_redacted_and_answered_by_nobody(table):
    file = table.lead("--with", SECOND)
    code, out, err = table("redact", file, *table.known, "--audience", "peer-cert")
    assert (code, out, "partial" in err) == (1, "", True)
    code, _, err = table.say(THIRD, "answer", file, "--opinion", "agree", *table.known)
    assert (code, "partial" in err) == (1, True)


def test_redacted_evidence_of_a_joint_record_keeps_all_signatures(table):
    file, out = table.lead("--with", SECOND), table.folder / "evidence.sdjwt.json"
    table.cosign(SECOND, file)
    view = ("--audience", "civil-society", "--clearance", "green")
    done = table("redact", file, *table.known, *view, "--evidence", out)
    assert done[0] == 0, done
    whole, cut = (carried.decode(each.read_bytes()) for each in (file, out))
    assert cut.also == whole.also
    assert len(cut.token) < len(whole.token)
    code, said = table.verify(out)
    assert (code, said["signatures"], said["complete"]) == (0, "2 of 2", False)


# -- publishing


def test_a_joint_record_is_prepared_cosigned_and_published(table):
    file = table.folder / "joint.json"
    done = table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    assert (done[0], done[1].startswith("prepared election-leak.json:")) == (0, True)
    assert table.tokens(LEAD) == []
    code, _, err = table.say(LEAD, "publish", "--joint", file)
    assert (code, "partial" in err) == (1, True)
    table.cosign(SECOND, file)
    code, out, _ = table.say(LEAD, "publish", "--joint", file)
    assert (code, out.startswith("confirmed ")) == (0, True)
    assert table.tokens(LEAD) == [file.read_bytes()]


def test_publishing_it_again_doubles_nothing(table):
    file = table.folder / "joint.json"
    options = ("--with", SECOND, "-o", file)
    table.say(LEAD, "publish", LEAK, *options)
    first = file.read_bytes()
    file.unlink()
    table.say(LEAD, "publish", LEAK, *options)
    assert file.read_bytes() == first
    table.cosign(SECOND, file)
    for _ in range(2):
        assert table.say(LEAD, "publish", "--joint", file)[0] == 0
    code, out, _ = table.say(LEAD, "publish", LEAK, *options)
    assert (code, "was published before" in out) == (0, True)
    assert len(table.tokens(LEAD)) == 1


def test_what_waits_for_cosigners_leaves_no_gap_in_the_feed(table):
    file = table.folder / "joint.json"
    table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    code, out, _ = table.say(
        LEAD, "publish", LEAK.with_name("bank-phishing.json"), "--json"
    )
    assert (code, json.loads(out)["seq"]) == (0, 1)


def test_only_what_was_prepared_here_and_unchanged_is_published(table):
    foreign = table.lead("--with", SECOND)
    table.cosign(SECOND, foreign)
    code, _, err = table.say(LEAD, "publish", "--joint", foreign)
    assert (code, "not-prepared" in err) == (1, True)
    file = table.folder / "joint.json"
    table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    table.cosign(SECOND, file)
    cut = carried.decode(file.read_bytes())
    head, *texts = cut.token.split(b"~")
    file.write_bytes(
        carried.encode(carried.Carried(b"~".join([head, *texts[1:]]), cut.also))
    )
    assert table.say(LEAD, "publish", "--joint", file)[0] == 1
    assert table.tokens(LEAD) == []


def test_a_correction_of_a_joint_record_waits_for_the_others_again(table):
    file = table.folder / "joint.json"
    table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    table.cosign(SECOND, file)
    table.say(LEAD, "publish", "--joint", file)
    [first] = table.tokens(LEAD)
    changed = table.folder / "changed.json"
    bundle = json.loads(LEAK.read_text())
    for each in bundle["objects"]:
        if each["type"] == "incident":
            each["name"] += " (corrected)"
    changed.write_text(json.dumps(bundle))
    code, _, err = table.say(LEAD, "correct", changed)
    assert (code, "--output" in err) == (2, True)
    assert table.say(LEAD, "correct", changed, "-o", file)[0] == 0
    assert table.verify(file)[1]["signatures"] == "partial: 1 of 2"
    table.cosign(SECOND, file)
    assert table.say(LEAD, "publish", "--joint", file)[0] == 0
    [second] = table.tokens(LEAD)
    said = table.verify(file)[1]
    assert (said["kind"], said["signed_by"]) == ("correction", [LEAD, SECOND])
    assert first != second


def test_the_lead_alone_takes_a_joint_record_back(table):
    file = table.folder / "joint.json"
    table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    table.cosign(SECOND, file)
    table.say(LEAD, "publish", "--joint", file)
    assert len(table.tokens(LEAD)) == 1
    assert table.say(LEAD, "retract", LEAK)[0] == 0
    [token] = table.tokens(LEAD)
    file.write_bytes(token)
    code, said = table.verify(file)
    assert (code, said["kind"], "need" in said) == (0, "retraction", False)


def test_publishing_options_that_contradict_each_other_are_refused(table):
    file = table.folder / "joint.json"
    phishing = LEAK.with_name("bank-phishing.json")
    for options in (
        (LEAK, "--with", SECOND),
        (LEAK, "-o", file),
        (LEAK, "--need", 2, "-o", file),
        (LEAK, phishing, "--with", SECOND, "-o", file),
        (LEAK, "--joint", file),
        ("--joint", file, "--with", SECOND),
    ):
        assert table.say(LEAD, "publish", *options)[0] == 2
    config = table.folder / f"{LEAD}.toml"
    config.write_text(config.read_text().replace('directory = "directory"\n', ""))
    table.say(LEAD, "publish", LEAK, "--with", SECOND, "-o", file)
    code, _, err = table.say(LEAD, "publish", "--joint", file)
    assert (code, "directory" in err) == (2, True)
    code, _, err = table.say(LEAD, "publish", "--joint", file, *table.known)
    assert (code, "partial" in err) == (1, True)
