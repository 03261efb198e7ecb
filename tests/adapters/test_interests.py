"""A member's own filter: it narrows, it names no person, and it says what it means."""

import string
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.interests import (
    EVERYTHING,
    KINDS,
    LEAST,
    SECTORS,
    Interests,
    describe,
    describe_telling,
    misses,
)
from adapters.interests_toml import (
    KEYS,
    MAX_BYTES,
    decode,
    encode,
    with_words,
    wrong,
)
from broker.errors import ConfigError
from schemas.reasons import REASONS
from schemas.record import Claims
from schemas.vocabularies import COUNTRIES, SEVERITIES
from schemas.vocabularies.languages import LANGUAGES, language_code

ISSUERS = ["cert-aq", "cert-bv", "platform-lumen"]
SOME = {
    "issuers": ISSUERS,
    "kinds": list(KINDS),
    "countries": ["TH", "MY", "XA", "SG"],
    "sectors": ["energy", "government", "government-local", "media", "water"],
    "languages": ["th", "zh", "yue", "fil"],
}


def claims(**changes):
    values = {
        "iss": "urn:tocsin:org:cert-aq",
        "iat": 1,
        "exp": 2,
        "sub": "incident--00000000-0000-4000-8000-000000000001",
        "ver": "2026-12-01T10:00:00.000Z",
        "aud": ("urn:tocsin:community:all",),
        "vct": "x",
        "kind": "incident",
        "tlp": "GREEN",
        "severity": "unknown",
        "countries": (),
        "sectors": (),
        "languages": (),
        "exercise": False,
        "full": "a" * 43,
    }
    return Claims(**(values | changes))


def filters(**wanted):
    return Interests(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in wanted.items()}
    )


def reason(wanted, *, named=False, **stated):
    return misses(filters(**wanted), claims(**stated), named=named)


def words(key):
    return st.lists(st.sampled_from(SOME[key]), max_size=3)


any_interests = st.builds(
    lambda least, **lists: filters(least_severity=least, **lists),
    st.sampled_from(SEVERITIES),
    **{key: words(key) for key in SOME},
)
any_claims = st.builds(
    claims,
    iss=st.sampled_from([f"urn:tocsin:org:{org}" for org in ISSUERS]),
    kind=st.sampled_from([*KINDS, "feedback", "correction", "retraction"]),
    severity=st.sampled_from(SEVERITIES),
    countries=st.lists(st.sampled_from([*SOME["countries"], "QJ"])).map(tuple),
    sectors=st.lists(st.sampled_from([*SOME["sectors"], "weaving"])).map(tuple),
    languages=st.lists(st.sampled_from(["th-TH", "zh-Hant", "tl", "x-y", "en"])).map(
        tuple
    ),
)


# --------------------------------------------------------------------------- matching


@pytest.mark.parametrize(
    ("wanted", "stated", "missed"),
    [
        ({"issuers": ["cert-bv"]}, {}, "interest-issuer"),
        ({"issuers": ["cert-bv", "cert-aq"]}, {}, None),
        ({"kinds": ["campaign"]}, {}, "interest-kind"),
        ({"kinds": ["campaign", "incident"]}, {}, None),
        ({"countries": ["TH"]}, {"countries": ("MY",)}, "interest-country"),
        ({"countries": ["TH"]}, {"countries": ("MY", "TH")}, None),
        ({"sectors": ["energy"]}, {"sectors": ("water",)}, "interest-sector"),
        ({"sectors": ["energy"]}, {"sectors": ("water", "energy")}, None),
        ({"languages": ["th"]}, {"languages": ("my",)}, "interest-language"),
        ({"languages": ["th"]}, {"languages": ("my", "th")}, None),
        ({"least_severity": "high"}, {"severity": "moderate"}, "interest-severity"),
        ({"least_severity": "high"}, {"severity": "none"}, "interest-severity"),
        ({"least_severity": "high"}, {"severity": "high"}, None),
        ({"least_severity": "high"}, {"severity": "extreme"}, None),
    ],
)
def test_a_record_comes_if_one_of_its_facts_is_wanted(wanted, stated, missed):
    assert reason(wanted, **stated) == missed


@pytest.mark.parametrize(
    "wanted",
    [
        {"countries": ["TH"]},
        {"sectors": ["energy"]},
        {"languages": ["th"]},
        {"least_severity": "extreme"},
    ],
)
def test_what_a_record_does_not_state_keeps_it_from_nobody(wanted):
    assert reason(wanted) is None


@pytest.mark.parametrize(
    ("wanted", "stated"),
    [
        ({"countries": ["TH"]}, {"countries": ("QJ",)}),
        ({"sectors": ["energy"]}, {"sectors": ("weaving",)}),
        ({"languages": ["th"]}, {"languages": ("tlh",)}),
    ],
)
def test_a_word_that_no_filter_can_name_counts_as_not_stated(wanted, stated):
    assert reason(wanted, **stated) is None
    other = {"countries": "MY", "sectors": "water", "languages": "en"}
    more = {key: (*value, other[key]) for key, value in stated.items()}
    assert reason(wanted, **more) is not None


@pytest.mark.parametrize(
    ("wanted", "stated", "comes"),
    [
        ("government", "government-local", True),
        ("government-local", "government", True),
        ("government-local", "government-regional", False),
        ("election-administration", "government", True),
        ("communications", "media", True),
        ("infrastructure", "water", True),
        ("dams", "water", False),
    ],
)
def test_sectors_meet_when_one_holds_the_other(wanted, stated, comes):
    assert (reason({"sectors": [wanted]}, sectors=(stated,)) is None) == comes


@pytest.mark.parametrize(
    ("wanted", "stated", "comes"),
    [
        ("zh", "zh-Hant-TW", True),
        ("zh", "yue", True),
        ("yue", "zh", True),
        ("yue", "nan", False),
        ("fil", "tl", True),
        ("fil", "tgl-PH", True),
        ("th", "TH", True),
        ("id", "ms", False),
    ],
)
def test_languages_meet_whatever_script_region_or_length_of_code(wanted, stated, comes):
    assert (reason({"languages": [wanted]}, languages=(stated,)) is None) == comes


NOTHING_FITS = {
    "issuers": ["cert-bv"],
    "kinds": ["advisory"],
    "countries": ["TH"],
    "sectors": ["energy"],
    "languages": ["th"],
    "least_severity": "extreme",
}
AWAY = {
    "countries": ("MY",),
    "sectors": ("water",),
    "languages": ("en",),
    "severity": "low",
}


@pytest.mark.parametrize("kind", ["feedback", "correction", "retraction", "heartbeat"])
def test_answers_and_what_takes_something_back_always_come(kind):
    assert reason(NOTHING_FITS, **AWAY) == "interest-issuer"
    assert reason(NOTHING_FITS, kind=kind, **AWAY) is None


def test_who_is_named_always_gets_the_record():
    assert reason(NOTHING_FITS, named=True, **AWAY) is None


@given(any_claims, st.booleans())
def test_without_a_filter_everything_comes(stated, named):
    assert misses(EVERYTHING, stated, named=named) is None


@given(any_interests, any_claims)
def test_each_reason_is_one_that_people_can_look_up(interests, stated):
    found = misses(interests, stated, named=False)
    assert found is None or (found.startswith("interest-") and found in REASONS)


@given(any_interests, any_claims, st.data())
def test_a_word_more_never_loses_a_record(interests, stated, data):
    key = data.draw(st.sampled_from(list(SOME)))
    held = getattr(interests, key)
    word = data.draw(st.sampled_from(SOME[key]))
    if held and misses(interests, stated, named=False) is None:
        more = msgspec.structs.replace(interests, **{key: (*held, word)})
        assert misses(more, stated, named=False) is None


@given(any_interests, any_claims, st.data())
def test_a_key_more_never_brings_a_record(interests, stated, data):
    key = data.draw(st.sampled_from(KEYS))
    less = msgspec.structs.replace(interests, **{key: getattr(EVERYTHING, key)})
    if misses(less, stated, named=False) is not None:
        assert misses(interests, stated, named=False) is not None


@given(any_interests, any_claims, st.randoms(use_true_random=False))
def test_the_order_of_words_means_nothing(interests, stated, random):
    def mixed(value):
        return tuple(random.sample(value, len(value)))

    lists = {key: mixed(getattr(interests, key)) for key in SOME}
    facts = {
        k: mixed(getattr(stated, k)) for k in ("countries", "sectors", "languages")
    }
    other = msgspec.structs.replace(interests, **lists)
    found = misses(other, msgspec.structs.replace(stated, **facts), named=False)
    assert found == misses(interests, stated, named=False)


@given(any_interests, any_claims)
def test_a_lower_bound_of_severity_never_loses_a_record(interests, stated):
    index = SEVERITIES.index(interests.least_severity)
    if misses(interests, stated, named=False) is None and index:
        lower = msgspec.structs.replace(interests, least_severity=SEVERITIES[index - 1])
        assert misses(lower, stated, named=False) is None


# ------------------------------------------------------------------------- no persons


def test_no_key_of_a_filter_can_name_a_person():
    """The keys are these, and each takes words of a closed list but one.

    Issuers take the names that the directory gives to organisations.
    """
    assert (*SOME, "least_severity", "tell_issuers") == KEYS


@pytest.mark.parametrize(
    "word",
    [
        "Ilvara Temcott",
        "ilvara.temcott@example.org",
        "@ilvara",
        "https://lumen.example/ilvara",
        "+66 2 123 4567",
        "192.0.2.7",
        "identity--00000000-0000-4000-8000-000000000001",
        "incident--00000000-0000-4000-8000-000000000001",
        "url--00000000-0000-4000-8000-000000000001",
        "election*",
        ".*",
        "",
    ],
)
@pytest.mark.parametrize("key", KEYS)
def test_no_key_takes_a_person_an_account_an_address_or_an_id(key, word):
    assert wrong(key, word) is not None


@pytest.mark.parametrize(
    "key",
    ["persons", "names", "accounts", "text", "keywords", "ids", "labels", "subject"],
)
def test_a_key_for_persons_or_texts_is_refused_with_the_reason(key):
    with pytest.raises(ConfigError, match="never names persons"):
        decode(f'{key} = ["x"]'.encode(), "f.toml")


def test_every_word_but_an_issuer_comes_from_a_list_that_is_shipped():
    for key, listed in {
        "kinds": set(KINDS),
        "sectors": SECTORS,
        "languages": set(LANGUAGES),
        "least_severity": set(LEAST),
    }.items():
        for word in ("cert-aq", "ilvara", "zz-zz", *string.ascii_lowercase):
            assert (wrong(key, word) is None) == (word in listed)
        assert all(wrong(key, word) is None for word in listed)
    assert all(wrong("countries", code) is None for code in COUNTRIES)


def test_every_language_that_a_filter_names_is_one_that_records_are_read_as():
    assert [code for code in LANGUAGES if language_code(code) != code] == []


# --------------------------------------------------------------------------- the file


WHOLE = b"""# what we want
issuers = ["cert-bv", "cert-aq"]
kinds = ["incident", "campaign"]
countries = [
  "TH",  # first of all
  "MY", "TH",
]
sectors = ["energy"]
languages = ["th"]
least_severity = "high"
"""


def test_a_file_is_read_whole_without_order_or_repetition():
    assert decode(WHOLE, "f.toml") == filters(
        issuers=["cert-aq", "cert-bv"],
        kinds=["campaign", "incident"],
        countries=["MY", "TH"],
        sectors=["energy"],
        languages=["th"],
        least_severity="high",
    )


def test_an_empty_file_asks_for_everything():
    assert decode(b"", "f.toml") == EVERYTHING


@given(any_interests)
def test_what_was_written_is_read(interests):
    for key in SOME:
        interests = with_words(interests, key, getattr(interests, key))
    assert decode(encode(interests), "f.toml") == interests


def test_words_are_taken_away_by_giving_none():
    held = decode(WHOLE, "f.toml")
    for key in KEYS:
        held = with_words(held, key, [])
    assert held == EVERYTHING
    assert encode(held) == b""


def fault(text):
    with pytest.raises(ConfigError) as caught:
        decode(text.encode(), "f.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('kinds = ["incident"]\ncountry = ["TH"]', 2, "did you mean countries?"),
        ('least-severity = "high"', 1, "did you mean least_severity?"),
        ('\n\ncountries = [\n "MY",\n "th"]', 5, "did you mean TH?"),
        ("countries = ['Thailand']", 1, "did you mean TH?"),
        ('countries = ["Thiland"]', 1, "did you mean TH?"),
        ('countries = ["THA"]', 1, "did you mean TH?"),
        ('countries = ["QQQ"]', 1, '"QQQ" is no country'),
        ('languages = ["Thai"]', 1, "did you mean th?"),
        ('languages = ["tl"]', 1, "did you mean fil?"),
        ('languages = ["zh-Hant"]', 1, "did you mean zh?"),
        ('languages = ["Vietnamesse"]', 1, "did you mean vi?"),
        ('sectors = ["bank"]', 1, "did you mean financial-services?"),
        ('sectors = ["Financial services"]', 1, "did you mean financial-services?"),
        ('sectors = ["enrgy"]', 1, "did you mean energy?"),
        ('kinds = ["incidents"]', 1, "did you mean incident?"),
        ('kinds = ["retraction"]', 1, "always comes; leave it out"),
        ('least_severity = "unknown"', 1, "none, low, moderate, high, extreme"),
        ('least_severity = "critical"', 1, '"critical" is no severity'),
        ('least_severity = "moderat"', 1, "did you mean moderate?"),
        ("least_severity = 3", 1, "takes one word"),
        ('issuers = ["CERT Aquenia"]', 1, "no name of an organisation"),
        ("countries = []", 1, "would let nothing pass"),
        ('countries = "TH"', 1, 'countries = ["TH"]'),
        ("issuers = [1]", 1, 'issuers = ["cert-aq"]'),
        ("[persons]\nname = 'x'", 1, "never names persons"),
        ('countries = ["\\u0074h"]', 1, "did you mean TH?"),
        ('"count\\u0072y" = ["TH"]', 1, "did you mean countries?"),
    ],
)
def test_a_fault_has_a_line_and_says_what_may_be_meant(text, line, said):
    told = fault(text)
    assert told.startswith(f"f.toml, line {line}: ")
    assert said in told


def test_all_faults_are_told_at_once_up_to_five():
    told = fault('kinds = ["a"]\nsectors = ["b"]\nissuers = [""]')
    assert told.count("line ") == 3
    many = fault(f"languages = {[str(n) for n in range(7)]}")
    assert many.count("line ") == 5
    assert many.endswith("; and 2 more")


def test_what_is_no_toml_or_too_large_is_refused():
    assert "line 1" in fault("countries: TH")
    with pytest.raises(ConfigError, match=r"^f\.toml: "):
        decode(b"\xff", "f.toml")
    with pytest.raises(ConfigError, match="larger than 64 KiB"):
        decode(b"#" * (MAX_BYTES + 1), "f.toml")


def test_a_long_word_is_not_repeated_in_full():
    assert len(fault(f'sectors = ["{"x" * 5000}"]')) < 300


@given(st.text())
def test_whatever_stands_in_a_file_it_is_read_or_refused(text):
    with suppress(ConfigError):
        decode(text.encode("utf-8", "surrogatepass"), "f.toml")


# -------------------------------------------------------------------------- for people


def test_it_is_said_in_plain_words():
    said = describe(
        filters(
            kinds=["incident", "campaign"],
            countries=["TH", "MY", "XA"],
            least_severity="high",
        )
    )
    assert said.startswith(
        "You get incidents and campaigns from any issuer, about Thailand (TH), "
        "Malaysia (MY) or XA, of severity high or more; corrections, retractions and "
        "objections always. "
    )


def test_every_key_is_said():
    said = describe(
        filters(
            issuers=["cert-aq"],
            sectors=["energy", "water"],
            languages=["th"],
            least_severity="extreme",
        )
    )
    assert said.startswith(
        "You get incidents, campaigns and advisories from cert-aq, for energy or "
        "water, in Thai (th), of severity extreme; "
    )


def test_what_is_not_asked_for_is_not_said():
    assert describe(filters(countries=["TH"])).startswith(
        "You get incidents, campaigns and advisories from any issuer, about Thailand "
        "(TH); corrections"
    )


def test_no_filter_is_said_to_be_none():
    assert describe(EVERYTHING).startswith("There is no filter")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("name", "are told that you have got"),
        ("count", "are told that one member more has got their record, not who"),
        ("nothing", "are not told whether you"),
    ],
)
def test_it_says_what_issuers_are_told(word, said):
    wanted = decode(f'tell_issuers = "{word}"'.encode(), "f.toml")
    assert said in describe_telling(wanted)
    assert describe(wanted) == describe(EVERYTHING)  # it filters nothing
    assert decode(encode(wanted), "f.toml") == wanted


def test_who_says_nothing_is_counted():
    assert EVERYTHING.tell_issuers == "count"


def test_another_word_for_what_issuers_are_told_is_refused():
    assert fault('tell_issuers = "names"') == (
        'f.toml, line 1: "names" is no word for what issuers are told (name, count, '
        "nothing); did you mean name?"
    )
    assert "takes one word" in fault('tell_issuers = ["name"]')
