"""No value that identifies somebody and was cut is found anywhere in what a view gets.

What that is, an oracle says that knows neither rules nor guard (`tests.support.oracle`).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import redaction
from adapters.redaction import NotGivenError
from tests.support.oracle import leaks
from tests.support.tangles import parts_of, tangles, views
from tests.support.views import (
    INCIDENT,
    PEER,
    PERSON,
    SAMPLES,
    VIEWS,
    cut,
    cut_new,
    new,
    sample,
    signed,
)


@given(tangles(), views, st.randoms(use_true_random=False))
@settings(max_examples=80, derandomize=True)
def test_no_guarded_value_is_seen_whatever_persons_agreed_to(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    approved = {part for part in parts_of(record) if chance.random() < 0.3}
    try:
        redacted = cut(record, to, approved=approved)
    except NotGivenError:
        return
    assert leaks(redacted) == []


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_guarded_value_of_a_sample_is_seen(name, to):
    assert leaks(cut(sample(name), to)) == []
    assert leaks(cut(sample(name), to, approved=set(parts_of(sample(name))))) == []


@pytest.mark.parametrize(
    ("objects", "word"),
    [
        ([INCIDENT | {"description": "Ilvara Temcott said so."}, PERSON], "ilvara temcott"),
        ([INCIDENT | {"description": "Ms Temcott said so."}, PERSON], "Temcott"),
        ([INCIDENT | {"description": "See relay_77x."},
          new("user-account", account_login="relay_77x")], "relay_77x"),
        ([INCIDENT | {"description": "See saltmere[.]example."},
          new("domain-name", value="saltmere.example")], "saltmere.example"),
        ([INCIDENT | {"description": "Her number is +62 812-3456-7890."},
          new("course-of-action", description="Call +62 812 3456 7890.")], "6281234567890"),
    ],
)  # fmt: skip
def test_the_oracle_notices_when_the_guard_looks_away(objects, word, monkeypatch):
    assert leaks(cut_new(PEER, *objects)) == []
    monkeypatch.setattr(redaction, "check", lambda _work: None)
    assert word in {leak.word for leak in leaks(cut_new(PEER, *objects))}
