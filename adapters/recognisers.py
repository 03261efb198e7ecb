"""Recognisers of names that an operator can add (the extra `ner`). Reads models."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from adapters.personal_data import Recogniser
from broker.errors import ConfigError

__all__ = ["Recogniser", "SpacyRecogniser", "load_spacy"]

# What models call a person: English and most others, those trained on WikiNER.
_PERSONS: Final = frozenset({"PERSON", "PER", "persName", "PRS"})
# spaCy refuses more than a million characters and needs a gigabyte for as many. What
# begins in the last of a stretch is looked at again in the next.
STRETCH_CHARS: Final = 100_000
_OVERLAP_CHARS: Final = 1_000


class SpacyRecogniser:
    """Finds names with a pipeline of spaCy."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def names(self, text: str) -> Iterator[tuple[int, int]]:
        """Give where names begin and end; one near a border may come twice."""
        step = STRETCH_CHARS - _OVERLAP_CHARS
        for start in range(0, max(len(text) - _OVERLAP_CHARS, 1), step):
            for found in self._pipeline(text[start : start + STRETCH_CHARS]).ents:
                if found.label_ in _PERSONS:
                    yield start + found.start_char, start + found.end_char


def load_spacy(model: Path) -> SpacyRecogniser:
    """Load a pipeline that the operator has put at *model*. A model can run code.

    Raises:
        ConfigError: spaCy is not installed, or there is no model.
    """
    try:
        spacy = importlib.import_module("spacy")
    except ImportError:
        message = "a recogniser needs spaCy: pip install 'tocsin[ner]'"
        raise ConfigError(message) from None
    try:
        return SpacyRecogniser(spacy.load(model))
    except OSError:
        message = f"no spaCy model at {model}"
        raise ConfigError(message) from None
