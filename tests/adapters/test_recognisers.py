"""Recognisers of names: spaCy, where an operator has installed it.

It is too heavy for the tests (260 MB with what it needs), so a pipeline of the same shape
stands in for it; where it is installed, the last test asks the real one.
"""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from adapters import recognisers
from adapters.personal_data import found_in
from adapters.recognisers import SpacyRecogniser, load_spacy
from broker.errors import ConfigError


@dataclass
class Entity:
    start_char: int
    end_char: int
    label_: str


class Pipeline:
    """Finds one name wherever it stands, as a pipeline of spaCy says it."""

    def __init__(self, label="PERSON"):
        self.label, self.asked = label, []

    def __call__(self, text):
        self.asked.append(text)
        found, start = [], text.find("Ilvara")
        while start >= 0:
            found.append(Entity(start, start + 6, self.label))
            start = text.find("Ilvara", start + 1)
        return SimpleNamespace(ents=found)


@pytest.mark.parametrize("label", ["PERSON", "PER", "PRS", "persName"])
def test_persons_are_names_whatever_a_model_calls_them(label):
    names = SpacyRecogniser(Pipeline(label)).names("So Ilvara left.")
    assert list(names) == [(3, 9)]


@pytest.mark.parametrize("label", ["ORG", "GPE", "person"])
def test_others_are_no_names(label):
    assert list(SpacyRecogniser(Pipeline(label)).names("So Ilvara left.")) == []


def test_names_withhold_their_segments():
    found = found_in(
        ["So ", "Ilvara ", "left."], recogniser=SpacyRecogniser(Pipeline())
    )
    assert found == {1: frozenset({"name"})}


def test_a_text_longer_than_spacy_takes_is_asked_in_stretches_that_overlap(monkeypatch):
    monkeypatch.setattr(recognisers, "STRETCH_CHARS", 20)
    monkeypatch.setattr(recognisers, "_OVERLAP_CHARS", 8)
    pipeline = Pipeline()
    for length in (0, 1, 11, 12, 13, 19, 20, 21, 60):
        for place in range(length):
            text = "." * place + "Ilvara" + "." * (length - place)
            found = set(SpacyRecogniser(pipeline).names(text))
            assert found == {(place, place + 6)}
    assert max(map(len, pipeline.asked)) == 20


def test_a_text_that_fits_is_asked_about_once():
    pipeline = Pipeline()
    assert list(SpacyRecogniser(pipeline).names("")) == []
    list(SpacyRecogniser(pipeline).names("x" * recognisers.STRETCH_CHARS))
    assert list(map(len, pipeline.asked)) == [0, recognisers.STRETCH_CHARS]


def test_without_the_extra_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "spacy", None)  # as if it were not there
    with pytest.raises(ConfigError, match=r"needs spaCy: pip install 'tocsin\[ner\]'"):
        load_spacy(tmp_path)


def test_a_missing_model_is_the_operators_fault(monkeypatch, tmp_path):
    def load(path):
        raise OSError("[E050] Can't find model")

    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=load))
    with pytest.raises(ConfigError, match=r"no spaCy model at .*absent"):
        load_spacy(tmp_path / "absent")


def test_the_model_is_read_from_where_the_operator_put_it(monkeypatch, tmp_path):
    asked = []
    fake = SimpleNamespace(load=lambda path: asked.append(path) or Pipeline())
    monkeypatch.setitem(sys.modules, "spacy", fake)
    assert list(load_spacy(tmp_path).names("Ilvara")) == [(0, 6)]
    assert asked == [tmp_path]


def test_the_real_spacy_finds_what_its_rules_say(tmp_path):
    spacy = pytest.importorskip("spacy", reason="the extra `ner` is not installed")
    pipeline = spacy.blank("en")
    rules = pipeline.add_pipe("entity_ruler")
    rules.add_patterns([{"label": "PERSON", "pattern": "Ilvara Temcott"}])
    pipeline.to_disk(tmp_path)
    text = ["So Ilvara ", "Temcott left."]
    found = found_in(text, recogniser=load_spacy(tmp_path))
    assert found == {0: frozenset({"name"}), 1: frozenset({"name"})}
    with pytest.raises(ConfigError):
        load_spacy(tmp_path / "absent")
