"""What of the sample records each audience may read: one line for each word."""

from functools import cache

import pytest

from adapters.redaction import NotGivenError
from schemas.markings import Tlp
from tests.support.records import SAMPLE_INDEX
from tests.support.views import PEER, SAMPLES, VIEWS, cut, projected, sample, seen, view

ALL = "peer platform concerned civil"
PLATFORMS = "peer platform concerned"

# Sample, words of it, and who may read them.
WORDS = [
    # The administrator whose password was used, and the source who asked not to be named.
    ("election-leak", "Temcott", ""),
    ("election-leak", "Ilvara", ""),
    ("election-leak", "i.temcott7", ""),
    ("election-leak", "EC-40417", ""),
    ("election-leak", "555 0143", ""),
    ("election-leak", "Osgathe", ""),
    ("election-leak", "mail.example", ""),
    ("election-leak", "system-administrator", ""),
    ("election-leak", "A stranger signed in", ""),  # its text names her
    ("election-leak", "198.51.100.23", ""),  # her machine
    ("election-leak", "198.51.100.0/24", "peer"),
    ("election-leak", "windows-domain", "peer"),
    ("election-leak", "Aquenia Electoral Commission", "peer"),
    ("election-leak", "an organisation (government-public-services)", ALL[5:]),
    ("election-leak", "two servers in its own building", "peer"),  # marked AMBER
    ("election-leak", "Planned seizure", "peer"),  # marked AMBER
    ("election-leak", "48217", "peer"),
    ("election-leak", "10000", ALL[5:]),
    ("election-leak", "60000", "peer"),  # what it cost
    ("election-leak", "203.0.113.77", PLATFORMS),
    ("election-leak", "archive_helper.exe", PLATFORMS),
    ("election-leak", "nightly-archive[.]example", "civil"),
    ("election-leak", "external-notification", PLATFORMS),
    ("election-leak", "2026-01-31T18:30:00.000Z", "peer"),
    ("election-leak", "2026-01-31T18:00:00.000Z", "platform concerned"),
    ("election-leak", "2026-01-31T00:00:00.000Z", "civil"),
    ("election-leak", "Copy of a voter register", ALL),
    ("election-leak", "NightCrate", ALL),
    ("election-leak", "T1078", ALL),
    ("election-leak", "Exfiltration Over Web Service", ALL),
    ("election-leak", "Ask for a second factor", ALL),
    ("election-leak", "confirmed-loss", ALL),
    ("election-leak", "XA", ALL),
    # The bank is not put on show; its customers can be warned.
    ("bank-phishing", "Saltmere", "peer"),
    ("bank-phishing", "fraud-desk", "peer"),
    ("bank-phishing", "412", "peer"),
    ("bank-phishing", "140000", "peer"),
    ("bank-phishing", "an organisation (financial-services)", ALL[5:]),
    ("bank-phishing", "service@code-renewal.example", PLATFORMS),
    ("bank-phishing", "2001:db8:77::19", PLATFORMS),
    ("bank-phishing", "False sign-in pages of a savings bank", ALL),
    ("bank-phishing", "hxxps://code-renewal[.]example/signin?step=2", "civil"),
    ("bank-phishing", "garden-lamps.example", ALL),  # the shop: a mistake, see below
    ("bank-phishing", "T1566.002", ALL),
    ("bank-phishing", "never follow a link", ALL),
    ("bank-phishing", "Ketik sendiri alamat", "peer"),  # its translation
    # The shop's page is nobody's business any more; whoever was warned of it must learn
    # so, and the indicator taken back names it.
    ("bank-phishing-correction", "garden-lamps.example", ALL),
    ("bank-phishing-correction", "garden-lamps[.]example", "civil"),
    ("bank-phishing-correction", "code-renewal.example", ALL),
    ("bank-phishing-correction", "386", "peer"),
    ("bank-phishing-correction", "Saltmere", "peer"),
    ("bank-phishing-correction", "never follow a link", ALL),
    # The candidate is shown to nobody; who runs the accounts, to those who can act.
    ("ai-video-campaign", "Quenby", ""),
    ("ai-video-campaign", "Orsola", ""),
    ("ai-video-campaign", "I have left the country", "peer"),  # the false words
    ("ai-video-campaign", "nan_of_three_cats", ""),  # an ordinary user
    ("ai-video-campaign", "Hesper Loy", ""),
    ("ai-video-campaign", "1107733", ""),
    ("ai-video-campaign", "Hollow Reed", "peer"),
    ("ai-video-campaign", "lantern_relay_01", "peer concerned"),
    ("ai-video-campaign", "Pesisir Kilat", "peer concerned"),
    ("ai-video-campaign", "Morning Lantern News", "peer concerned"),
    ("ai-video-campaign", "video.lumen.example", "peer concerned"),
    ("ai-video-campaign", "paper-moon", "peer"),
    ("ai-video-campaign", "supporters of one candidate", "peer"),
    ("ai-video-campaign", "The candidate has given up", ALL),
    ("ai-video-campaign", "Polling places will close early", ALL),
    ("ai-video-campaign", "T0087.001", ALL),
    ("ai-video-campaign", "T0049.003", ALL),
    ("ai-video-campaign", "Label copies of the videos", ALL),
    ("ai-video-campaign", "Coordinated false videos", ALL),
    # Objections are heard by all, in their own words; their authors are persons.
    ("platform-answer", "belongs to a small shop", ALL),
    ("platform-answer", "disagree", ALL),
    ("platform-answer", "Lumen safety team", ""),
    ("monitor-observation", "labelled satire and nobody hides", ALL),
    ("monitor-observation", "All videos carry a satire notice", ALL),
    ("monitor-observation", "Orrelby", ""),
    ("monitor-observation", "Aldwether", ""),
    ("monitor-observation", "Tin Kettle Theatre", "peer"),
    ("monitor-observation", "tin-kettle.example", ""),
    ("monitor-observation", "observations/118", ""),
    # Whoever got the record is told that it is taken back, and why.
    ("ai-video-retraction", "a satirical series whose makers say so", ALL),
    ("ai-video-retraction", "Restore the channels", ALL),
    ("ai-video-retraction", "Hollow Reed", "peer"),
]  # fmt: skip


@cache
def read(name: str, to: str) -> str:
    return seen(cut(sample(name), VIEWS[to]))


@pytest.mark.parametrize(("name", "words", "who"), WORDS)
def test_a_word_of_a_sample_is_read_by_exactly_these(name, words, who):
    if words.isdigit():
        words = f"\n{words}\n"  # alone: others stand in ids by chance
    assert [v for v in VIEWS if words in read(name, v)] == who.split()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_everybody_gets_every_behaviour_and_all_advice(name, to):
    given = projected(cut(sample(name), to))
    for kind in ("attack-pattern", "course-of-action"):
        meant = [o.name for o in sample(name).objects if o.type == kind]
        assert sorted(o["name"] for o in given if o["type"] == kind) == sorted(meant)


def test_a_retraction_is_revoked_for_everybody():
    for to in VIEWS.values():
        (campaign,) = projected(cut(sample("ai-video-retraction"), to), "campaign")
        assert campaign["revoked"] is True


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=SAMPLES)
def test_who_is_cleared_for_less_than_a_sample_gets_none_of_it(entry):
    record = sample(entry["file"].removesuffix(".json"))
    to = view("peer-cert", Tlp.CLEAR)
    if entry["tlp"] == "CLEAR":
        assert cut(record, to)
    else:
        with pytest.raises(NotGivenError) as caught:
            cut(record, to)
        assert caught.value.reason == "tlp-clearance"


def test_a_member_of_other_communities_gets_no_sample():
    to = view("peer-cert", Tlp.AMBER, communities=frozenset({"urn:tocsin:community:x"}))
    for name in SAMPLES:
        with pytest.raises(NotGivenError) as caught:
            cut(sample(name), to)
        assert caught.value.reason == "community"


def test_only_who_is_concerned_reads_who_is_concerned():
    for name, org in (
        ("bank-phishing", "platform-lumen"),
        ("ai-video-campaign", "platform-orbit"),
    ):
        urn = f"urn:tocsin:org:{org}"
        assert [v for v in VIEWS if urn in read(name, v)] == ["concerned"]


def test_every_cut_says_why():
    for name in SAMPLES:
        for to in VIEWS.values():
            for one in cut(sample(name), to).cuts:
                assert one.reason
                assert (one.row > 0) == (
                    one.reason.startswith("policy")
                    or one.reason in ("mask-hit", "not-listed")
                )
                assert one.object_id.startswith(one.object_type)
    assert cut(sample("bank-phishing"), PEER).cuts == ()
