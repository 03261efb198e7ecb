"""Masked texts: which sentences go, what was found in them, and who may recognise more."""

from schemas import profile
from tests.support.policy_files import compiled, row
from tests.support.views import (
    INCIDENT,
    PEER,
    cut,
    new,
    only,
    opened,
    seen,
    signed,
)

POLICY = compiled(
    row("incident", "name", "keep", "keep", "keep"),
    row("incident malware", "description", "mask", "mask", "mask"),
    row("malware", "name aliases", "mask", "mask", "mask"),
)


class Names:
    """Takes one word for a person's name."""

    def __init__(self, name):
        self.name = name

    def names(self, text):
        start = text.find(self.name)
        while start >= 0:
            yield start, start + len(self.name)
            start = text.find(self.name, start + 1)


def story(text, **more):
    return signed(INCIDENT | {"description": text, "lang": "en"} | more)


SERVER = "The mail server was attacked. "
OWNER = "The owner can be called at +62 812-3456-7890."


def told(record, **more):
    redacted = cut(record, PEER, POLICY, **more)
    cuts = [c for c in redacted.cuts if c.place == "description"]
    return only(redacted, "incident").get("description"), cuts, redacted


def test_what_was_found_is_said_by_kind_and_place_and_never_quoted():
    text, [found], redacted = told(story(SERVER + OWNER))
    assert text == SERVER + profile.WITHHELD_TEXT
    assert (found.reason, found.element, found.found) == ("mask-hit", 1, ("phone",))
    assert "3456" not in seen(redacted)


def test_a_text_of_which_all_sentences_go_goes_as_a_whole():
    text, [found], redacted = told(story("Call +62 812-3456-7890."))
    assert text is None
    assert (found.element, found.found) == (-1, ("phone",))
    assert "Call" not in seen(redacted)


def test_a_recogniser_finds_names_that_no_other_part_of_the_record_knows():
    record = story(SERVER + "Temcott had opened the letter.")
    text, cuts, _ = told(record)
    assert (text.endswith("letter."), cuts) == (True, [])
    text, [found], redacted = told(record, recogniser=Names("Temcott"))
    assert "Temcott" not in seen(redacted)
    assert found.found == ("name",)


def test_a_list_that_holds_personal_data_is_cut_as_a_whole():
    record = signed(
        INCIDENT,
        new("malware", "NightCrate", aliases=["Crate", "ilvara@temcott.example"]),
        primary=INCIDENT["id"],
    )
    redacted = cut(record, PEER, POLICY)
    assert "aliases" not in only(redacted, "malware")
    [found] = [c for c in redacted.cuts if c.place == "aliases"]
    assert found.found == ("e-mail",)
    assert "ilvara" not in seen(redacted)


def test_what_was_missing_before_stays_visible_as_missing():
    record = story(SERVER + OWNER)
    once = cut(record, PEER, POLICY)
    again = cut(opened(once.evidence), PEER, POLICY)
    assert only(again, "incident")["description"] == SERVER + profile.WITHHELD_TEXT
    assert again.evidence == once.evidence
