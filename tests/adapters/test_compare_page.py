"""The page of a comparison: one file, no script, nothing but text of the record in it."""

import base64
import hashlib
import re
from typing import Any

import msgspec
import pytest

from adapters.cli.demo.secrets import CANARIES
from adapters.compare_page import page, text
from adapters.comparing import compare, give
from adapters.comparison import Comparison, flat
from adapters.policy import Policy
from adapters.view import View
from broker.trust import Verified
from schemas.markings import Tlp
from tests.support.html_text import Element, read
from tests.support.policy_files import compiled, row
from tests.support.views import (
    AUTHOR,
    BANK,
    CIVIL,
    INCIDENT,
    NOW_TEXT,
    PEER,
    POLICY,
    SAMPLES,
    VIEWS,
    new,
    sample,
    signed,
)

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)" onclick=alert(1)>',
    "<!-- ]]> &lt;b&gt; &amp;",
    "'; background: url(https://evil.example/) ",
]
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
    "h1", "h2", "h3", "p", "strong", "dl", "dt", "dd", "table", "thead", "tbody", "tr",
    "th", "td", "span", "bdi", "code", "a",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "scope", "id", "href",
    "data-of", "colspan",
}  # fmt: skip


def compared(record: Verified, *to: View, policy: Policy = POLICY) -> Comparison:
    given = [give(record, v, policy, author=AUTHOR, now=NOW_TEXT) for v in to]
    return compare(record, policy, given)


def written(record: Verified, *to: View, policy: Policy = POLICY) -> Element:
    return read(page(compared(record, *to, policy=policy), made_at=NOW_TEXT))


def cells(root: Element, of: str) -> list[Element]:
    return root.all("td", of=of)


def facts(root: Element) -> dict[str, str]:
    (first, _) = root.all("dl")
    terms, values = first.all("dt"), first.all("dd")
    return {t.text: v.text for t, v in zip(terms, values, strict=True)}


# --------------------------------------------------------------------- self-contained


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_one_file_that_asks_for_nothing(name):
    html = page(compared(sample(name), *VIEWS.values()), made_at=NOW_TEXT)
    root = read(html)
    assert {each.tag for each in root.all()} <= TAGS
    for each in root.all():
        assert each.attributes.keys() <= ATTRIBUTES
        assert each.attributes.get("href", "#").startswith("#")
    (style,) = root.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {e.attributes["href"][1:] for e in root.all("a")} <= set(ids)


def test_its_content_security_policy_allows_its_own_style_and_nothing_else():
    root = written(signed(INCIDENT), PEER)
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (csp,) = root.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert csp.attributes["content"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


# ------------------------------------------------------------------------ what it says


def test_it_says_first_for_whom_it_is():
    root = written(sample("election-leak"), PEER, CIVIL)
    (body,) = root.all("body")
    assert body.text.strip().startswith("For those who may see the whole record.")


def test_its_head_names_issuer_record_and_policy():
    record = sample("election-leak")
    said = facts(written(record, PEER, CIVIL))
    assert said["Issuer"] == "cert-aq"
    assert said["Number"] == record.claims.sub
    assert said["Policy, SHA-256"] == POLICY.sha256
    assert said["Token"] == record.token_id
    assert said["Kind, marking"] == "incident, TLP:GREEN"
    assert "Note" not in said


def test_a_copy_that_was_cut_before_says_so():
    record = msgspec.structs.replace(signed(INCIDENT), complete=False)
    assert "withheld before" in facts(written(record, PEER))["Note"]


def test_its_heading_names_all_audiences():
    record = signed(INCIDENT)
    titles = [
        written(record, *to).all("h1")[0].text
        for to in ((PEER,), (PEER, CIVIL), (PEER, VIEWS["platform"], CIVIL))
    ]
    assert titles == [
        "What national CERTs get of one record",
        "What national CERTs and civil society get of one record",
        "What national CERTs, online platforms and civil society get of one record",
    ]


def test_the_summary_counts_what_each_audience_gets():
    comparison = compared(sample("election-leak"), PEER, CIVIL)
    root = read(page(comparison, made_at=NOW_TEXT))
    (totals,) = root.all("table", cls="totals")
    for line, column in zip(totals.all("tr")[1:], comparison.columns, strict=True):
        counts = [int(each.text) for each in line.all("td")]
        assert counts == list(column.totals.values())


def test_every_object_is_a_card_with_a_column_for_each_audience():
    record = sample("bank-phishing")
    root = written(record, PEER, CIVIL)
    cards = root.all("section", cls="card")
    assert len(cards) == len(record.objects)
    for card in cards:
        heads = [each.text for each in card.all("thead")[0].all("th")]
        assert heads == ["property", "as signed", "national CERTs", "civil society"]


def test_a_made_value_is_said_to_be_one_and_a_withheld_one_gives_its_sentence():
    case = INCIDENT | {"description": "Words that nobody else uses."}
    root = written(signed(case, BANK), PEER, CIVIL)
    made = [e.text for e in cells(root, "civil society") if "made" in classes(e)]
    assert any("an organisation" in t and "A coarser value" in t for t in made)
    gone = [e.text for e in cells(root, "civil society") if "withheld" in classes(e)]
    assert any("slip through" in each for each in gone)
    shown = " ".join(e.text for e in cells(root, "civil society"))
    assert "nobody else uses" not in shown
    assert "nobody else uses" in " ".join(e.text for e in cells(root, "national CERTs"))


def classes(element: Element) -> list[str]:
    return element.attributes.get("class", "").split()


def test_an_object_that_goes_says_so_first_and_who_has_it():
    root = written(signed(INCIDENT, new("identity", "Ilvara Temcott")), PEER, CIVIL)
    (first,) = (
        line
        for line in root.all("tr")
        if line.all("th") and line.all("th")[0].text == "the whole object"
    )
    _, peer, civil = line_cells(first)
    assert peer.text == "given"
    assert "nothing useful is left" in civil.text


def line_cells(line: Element) -> list[Element]:
    return line.all("td")


def test_what_waits_says_for_whom_and_what_stands_there_meanwhile():
    policy = compiled(
        row("incident", "name"),
        row("identity", "name", peer="hold", meanwhile="generalise"),
    )
    root = written(signed(INCIDENT, BANK), PEER, policy=policy)
    (cell,) = root.all("td", cls="waiting")
    assert "waiting; meanwhile a coarser value" in cell.text
    assert "It waits until one person agrees." in cell.text


def test_who_gets_nothing_is_told_why():
    root = written(signed(INCIDENT, tlp=Tlp.AMBER), PEER, CIVIL)
    (nothing,) = cells(root, "gets nothing")
    assert "up to TLP:GREEN" in nothing.text
    peers = {c for e in cells(root, "national CERTs") for c in classes(e)}
    assert peers == {"full"}


def test_references_and_marks_are_written_for_people():
    root = written(sample("election-leak"), PEER)
    assert any(e.text == "object 1" for e in root.all("a"))
    marks = [e.text for e in cells(root, "national CERTs") if "TLP:" in e.text]
    assert marks
    assert not any("marking-definition--" in each for each in marks)


# --------------------------------------------------------------------- hostile records


@pytest.mark.parametrize("words", HOSTILE)
def test_what_the_record_says_is_text_and_nothing_more(words):
    case = INCIDENT | {
        "name": words,
        "description": words,
        "labels": [words],
        "external_references": [{"source_name": words, "description": words}],
    }
    other = new("x-hostile", "x", x_says={words: [words]})
    html = page(compared(signed(case, other), PEER, CIVIL), made_at=NOW_TEXT)
    root = read(html)
    assert {each.tag for each in root.all()} <= TAGS
    assert all(each.attributes.keys() <= ATTRIBUTES for each in root.all())
    shown = [e.text for e in cells(root, "as signed")]
    assert words in shown
    assert "<script" not in html
    assert facts(root)["Record"] == words


def test_the_names_of_columns_are_text_too():
    given = give(
        signed(INCIDENT), PEER, POLICY, author=AUTHOR, now=NOW_TEXT, name=HOSTILE[2]
    )
    root = read(page(compare(signed(INCIDENT), POLICY, [given]), made_at=NOW_TEXT))
    assert cells(root, HOSTILE[2])
    assert all(each.attributes.keys() <= ATTRIBUTES for each in root.all())


@pytest.mark.parametrize(
    "char", ["\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\u00ad", "\x1b", "\x00"]
)
def test_what_would_turn_or_hide_text_is_spelled_out(char):
    html = text(f"invoice{char}gpj.exe")
    assert char not in html
    assert f"U+{ord(char):04X}" in html


@pytest.mark.parametrize(
    "words",
    [
        "កម្ពុជា\u200bប្រទេស",  # Khmer, whose words a space of no width parts
        "ข่าวปลอม",
        "می\u200cخواهم",  # noqa: RUF001  it is Persian
        "خبر كاذب",
        "👩\u200d💻",
        "two\nlines\tand a tab",
    ],
)
def test_scripts_that_need_what_is_invisible_keep_it(words):
    (bdi,) = read(text(words)).all("bdi")
    assert bdi.text == words


def test_between_latin_letters_what_is_invisible_is_spelled_out():
    assert "U+200B" in text("pay\u200bpal")
    assert "U+200D" in text("\u200dx")


# ------------------------------------------------------------------------------- laws


@pytest.mark.parametrize("name", SAMPLES)
def test_no_secret_stands_in_the_column_of_who_may_not_see_it(name):
    record = sample(name)
    for to in VIEWS.values():
        given = give(record, to, POLICY, author=AUTHOR, now=NOW_TEXT)
        comparison = compare(record, POLICY, [given])
        root = read(page(comparison, made_at=NOW_TEXT))
        heading = comparison.columns[0].heading
        shown = "\n".join(e.text for e in cells(root, heading))
        for canary in CANARIES:
            if canary.value not in given.projection.decode():
                assert canary.value not in shown


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_of_a_column_is_on_the_page(name):
    comparison = compared(sample(name), CIVIL)
    root = read(page(comparison, made_at=NOW_TEXT))
    values = [e.text for e in cells(root, "civil society")]
    for card in comparison.cards:
        for one in card.rows:
            for _, leaf in flat(one.cells[0].value):
                written = spoken(leaf)
                assert not written or any(written in each for each in values)


def spoken(leaf: Any) -> str:
    """The leaf as the page has it; "" for ids, which it writes as numbers."""
    if isinstance(leaf, bool):
        return "yes" if leaf else "no"
    return "" if re.search(r"--[0-9a-f]{8}-", str(leaf)) else str(leaf)
