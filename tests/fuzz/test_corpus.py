"""The inputs that fuzzing kept, through their targets; needs no fuzzer.

Those of `structured` are decisions: where there is more to decide, they decide
something else. `make fuzz ARGS="--seconds 120 --keep"` then finds new ones.
"""

import base64
import collections
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from adapters import directory_words
from broker import (
    certificates,
    directory_client,
    directory_history,
    directory_proposal,
    disclosures,
    following,
    heads,
    heartbeats,
    join_request,
    parts,
    receipts,
    sdjwt,
    seen,
    segments,
    trust,
    welcome,
    wire,
)
from broker.bus import Message
from broker.errors import TrustError
from schemas import codec
from schemas.errors import RefusedError
from schemas.stix import objects
from tests.fuzz.building import record
from tests.fuzz.choices import Choices
from tests.fuzz.run import CORPUS, SIZES, VERDICTS, verdicts
from tests.fuzz.seeds import seeds
from tests.fuzz.standins import DIRECTORY
from tests.fuzz.targets import TARGETS
from tests.vectors import cast
from tests.vectors.cast import NOW

MAX_CORPUS_BYTES = 300_000
# The library overlooked what stands behind a frame, and in one, in these two:
FOUND = [
    pytest.param(base64.b64decode("KLUv/QAQTQAAEGFhAQCz8wEWyQ=="), id="without a size"),
    pytest.param(base64.b64decode("KLUv/TAAEE0AABBhYQEAs/MBFg=="), id="of size 0"),
]


def kept(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_wrong_with_what_was_kept_or_with_the_seeds(target: str) -> None:
    assert kept(target)
    replay(target)


def replay(target: str) -> None:
    for data in (*(path.read_bytes() for path in kept(target)), *seeds(target)):
        TARGETS[target](data)


def test_what_was_refused_is_refused_and_nothing_else() -> None:
    # Where it is wanted: make fuzz ARGS="--seconds 120 --keep", and look at the diff.
    assert verdicts() == json.loads(VERDICTS.read_text(encoding="utf-8"))


def test_every_target_has_limits_and_a_corpus_and_there_is_no_other() -> None:
    assert SIZES.keys() == TARGETS.keys()
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys()


def test_the_corpus_is_small() -> None:
    sizes = [path.stat().st_size for target in TARGETS for path in kept(target)]
    assert sum(sizes) < MAX_CORPUS_BYTES


def test_many_records_of_the_corpus_are_taken_and_many_are_refused() -> None:
    found = collections.Counter(map(verdict, kept("structured")))
    taken = found.pop("")
    assert taken > 30
    assert found.keys() >= {
        "claims", "coarse", "digest-shape", "disclosure-shape", "duplicate-digest",
        "no-behaviour", "not-withholdable", "sd-shape", "segments", "shadowed-name",
        "short-salt", "visible-as-disclosure",
    }  # fmt: skip


def verdict(path: Path) -> str:
    try:
        trust.verify(record(Choices(path.read_bytes())), DIRECTORY, now=NOW)
    except RefusedError as error:
        return error.reason
    return ""


# Target, and a bug: where it is put, and what stands there instead.
BUGS: dict[str, tuple[str, Any, str, Any]] = {
    "orphans stay when their parent is withheld": (
        "structured", sdjwt, "_reaches_root", lambda *_: True,
    ),
    "the id of a token covers its signature": (
        "structured", sdjwt, "token_id", sdjwt.digest,
    ),
    "disclosures are withheld that were to be kept": (
        "token", sdjwt, "sorted", lambda _: [],
    ),
    "a refusal names an unknown property": ("structured", parts, "_spot", str),
    "text is refused once a part of it is withheld": (
        "structured", segments, "WITHHELD_TEXT", None,
    ),
    "short salts pass where many are read at once": (
        "differential", disclosures, "_are_salted", lambda _: True,
    ),
    "repeated keys pass where many are read at once": (
        "differential", disclosures, "_encode_lines", lambda _: mock.ANY,
    ),
    "a broken frame is no refusal": ("wire", wire.zstandard, "ZstdError", KeyError),
    "repeated keys pass": ("codec", codec, "_refuse_repeated_keys", lambda *_: None),
    "large numbers pass": ("codec", codec, "check_values", lambda *_, **__: None),
    "a cut is not shown": ("segments", segments, "WITHHELD_TEXT", ""),
    "any value is a segment": ("segments", segments, "_parts", lambda any_: any_),
    "a stamp is refused for another reason": ("stamps", seen, "RefusedError", KeyError),
    "a receipt is refused for another reason": (
        "chain", receipts, "RefusedError", KeyError,
    ),
    "a path may leave a stamp out": (
        "chain", heads, "under", lambda _head, path: path,
    ),
    "an entry changes and nothing is said": (
        "directory", directory_words, "entry_sentences", lambda *_: (),
    ),
    "a threshold of none is one": (
        "directory", directory_proposal.Checked, "complete", True,
    ),
    "what nobody can have signed is looked at": (
        "metadata", directory_history, "exceptions",
        SimpleNamespace(RepositoryError=OSError, LengthOrHashMismatchError=OSError),
    ),
    "a refresh that succeeds is forgotten": (
        "client", directory_client, "_keep", lambda *_: None,
    ),
    "a request for a certificate is refused for another reason": (
        "joining", certificates, "_UNREADABLE", (),
    ),
    "a key is asked for that no directory takes": (
        "joining", join_request, "_check_keys", lambda _: None,
    ),
    "an answer breaks the configuration made of it": (
        "welcoming", welcome, "_toml", lambda text: f'"{text}',
    ),
    "a broken certificate is no refusal": (
        "welcoming", certificates, "_UNREADABLE", (),
    ),
    "a heartbeat is refused for another reason": (
        "beats", heartbeats, "RefusedError", KeyError,
    ),
    "two histories of one line pass": (
        "beats", following, "contradicts", lambda *_: False,
    ),
    "a refusal of STIX quotes": ("stix", objects, "place_of", lambda e, _: str(e)),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_the_kept_inputs_find(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, module, name, instead = BUGS[bug]
    monkeypatch.setattr(module, name, instead, raising=name != "sorted")
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        replay(target)
    assert not isinstance(caught.value, RefusedError)


@pytest.mark.parametrize("text", ["\u061f \u063a", "\u06d4 \u0627\u0644\u0641"])
def test_a_text_may_begin_with_an_arabic_stop(text: str) -> None:
    assert "".join(segments.split(text)) == text


def test_a_stand_in_signs_only_under_the_names_of_its_directory() -> None:
    stranger = cast.Posing("cert-aq/0000000000000000", "EdDSA", lambda _: bytes(64))
    token = cast.issue("fuzz", cast.claims(), key=stranger)
    with pytest.raises(TrustError, match="unknown-key"):
        trust.verify(token, DIRECTORY, now=NOW)


@pytest.mark.parametrize("body", FOUND)
def test_what_fuzzing_found_in_frames_is_refused(body: bytes) -> None:
    message = Message(body=body, message_id="", routing_key="", content_encoding="zstd")
    with pytest.raises(TrustError, match="zstd"):
        wire.unpack(message)
