"""Segments: what is cut, what stays together, and what comes back."""

# ruff: noqa: RUF001  the marks of all scripts

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.segments import MAX_SEGMENTS, join, split
from broker.sentences import sentence_starts

A = "The attackers encrypted the servers of the clinic. "
B = "Patients were moved to the hospital of the next town. "
C = "The ransom note was left with the receptionist. "


def whole(text: str) -> bool:
    return split(text) == [text]


# -- qualification


@pytest.mark.parametrize(
    "sentence",
    [
        "This is not confirmed.",
        "That has been denied by the ministry.",
        "Police said nothing of the kind happened.",
        "The ministry calls the name of the group false.",
        "Two men of the town rejected the offer of the clinic.",
        "It was the work of another group.",
        "They left the building by noon.",
        "Only the test network was reached by the attackers.",
        "However, the clinic of the town had a backup.",
        "According to the vendor, the mail came from abroad.",
        "Unless stated otherwise, the times are in UTC.",
        "Investigators of the state see no evidence of theft.",
        "A role of the staff cannot be ruled out.",
        "The attribution to the group is weak and has been revised.",
        "*Unconfirmed* by the police of the town.",
        "NOT CONFIRMED BY THE POLICE OF THE TOWN.",
        "The name of the group hasn’t been given by the police.",
        "The mail is under\n investigation by the police of the town.",
        "The role of the staff was ruled\n  out.",
        "The name of the group is ｕｎｃｏｎｆｉｒｍｅｄ.",
        "Le nom du groupe est pre\u0301sume\u0301 par les amis.",
        "Denied.",
        "A fake!",
        "The mayor agreed.",
        "The court freed the man of the clinic on Friday.",
        "已道歉。",
        "(The police of the town saw the mail.)",
        "“The clinic of the town has paid.”",
        "Was the clinic of the town the target?",
        "Update: the servers of the clinic were sold.",
        "Note the date of the mail and the name of the sender.",
        "Staff: none.",
        "Polisi ya mji iliona barua pepe hiyo jana usiku.",
    ],
)
def test_what_qualifies_stays_with_what_stands_before_it(sentence: str) -> None:
    assert split(f"{B}{A}{sentence}") == [B, f"{A}{sentence}"]


def test_sentences_that_stand_alone_are_parted() -> None:
    assert split(A + B + C) == [A, B, C]


@pytest.mark.parametrize(
    "sentence",
    [
        "The report of the police is unconfirmed. ",
        "This is the account of the clinic. ",
        "Denied. ",
        "Who was behind the attack on the clinic? ",
    ],
)
def test_what_qualifies_at_the_beginning_stays_with_what_follows(sentence: str) -> None:
    assert split(sentence + A + B) == [sentence + A, B]


def test_a_doubt_stays_also_with_the_sentence_after_it() -> None:
    # "There is a doubt. X did it." would else lose it.
    doubt = "The police of the town have a suspicion. "
    assert split(A + B + doubt + C + A) == [A, B + doubt + C, A]


def test_a_question_stays_with_its_answer() -> None:
    question = "Was the mail sent by the staff of the clinic? "
    assert split(A + B + question + C + A) == [A, B + question + C, A]


@pytest.mark.parametrize(
    "sentence",
    [
        "None of the above has been confirmed.",
        "The information in this report is unverified.",
        "Correction: the clinic of the next town was hit.",
        "The record was withdrawn by the police of the town.",
        "Erratum of the police for the name of the clinic.",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_holds_for_the_whole_text_keeps_it_whole(
    sentence: str, first: bool
) -> None:
    assert whole(f"{sentence} {A}{B}{C}" if first else f"{A}{B}{C}{sentence}")


@pytest.mark.parametrize(
    "lead",
    [
        "The following details of the attack are not confirmed. ",
        "Unconfirmed reports of the police: a mail was sent to the clinic. ",
    ],
)
def test_what_doubts_what_follows_keeps_its_paragraph(lead: str) -> None:
    assert split(f"{A}\n\n{lead}{B}{C}{A}\n\n{C}") == [
        f"{A}\n\n{lead}{B}{C}{A}\n\n",
        C,
    ]
    assert split(f"{A}\n\n{lead}\n\n{B}{C}{A}\n\n{C}") == [
        f"{A}\n\n{lead}\n\n{B}{C}{A}\n\n",
        C,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Bob Smith is the attacker. The source is unreliable.",
        "Bob Smith ist der Angreifer. Die Quelle ist unzuverlässig.",
        "Bob Smith is the attacker. The source recanted on Monday.",
        "Bob Smith sold the data. The charges have been dropped.",
        "Bob Smith sold the data. The letter is a forgery.",
        "Bob Smith sold the data. The quote is invented.",
        "Bob Smith sold the data. The screenshot is a deepfake.",
        "Bob Smith sold the data. The image was generated by software.",
        "Bob Smith sold the data. The account had been hijacked.",
        "Bob Smith sold the data. CERT Aquenia withdrew the statement.",
        "Bob Smith sold the data. Prosecutors closed the case without charges.",
        "Bob Smith sold the data. The newspaper printed an apology.",
        "Ballots were burned. The minister took bribes. "
        "All of the above was invented by the campaign.",
        "Ballots were burned. The minister took bribes. "
        "Fact-checkers rated both as fabricated.",
        "Ballots were burned. The minister took bribes. These stories are false.",
        "Narratives of the campaign include two stories. "
        "Ballots were burned in Aram. The minister took bribes.",
        "The campaign spread false claims. The mayor of Aram sold the ballots. "
        "The minister of Aram took bribes. The clinic of Aram burned the ballots.",
    ],
)
def test_what_a_reviewer_found_parted_stays_together(text: str) -> None:
    assert whole(text)


@pytest.mark.parametrize(
    "sentence",
    [
        "The source is unreliable.",
        "The first anonymous source of a clerk lied.",
        "The letter of the town is a forgery.",
        "The screenshot of the mail is a deepfake.",
        "The account of the clinic had been hijacked.",
        "The ministry calls the report false.",
        "Two witnesses rejected the account of the clinic.",
        "Prosecutors of the town closed the case without charges.",
        "Die Quelle ist unzuverlässig.",
    ],
)
def test_what_doubts_a_source_stays_with_the_whole_paragraph(sentence: str) -> None:
    before = f"{C}\n\n"
    assert split(f"{before}{A}{B}{C}{sentence}") == [before, f"{A}{B}{C}{sentence}"]
    # At the beginning of a paragraph it means the one before.
    after = f"{A}{B}{C}\n\n{sentence} {B}"
    assert split(f"{before}{after}{C}") == [before, after, C]
    # As a paragraph of its own it may mean all from the last heading on.
    section = f"# Timeline\n{A}{B}\n\n{C}{A}\n\n{sentence}\n\n"
    assert split(f"{before}{section}{B}{C}") == [before, section, B, C]
    assert whole(f"{A}{B}\n\n{C}{A}\n\n{sentence}")


def test_what_names_a_source_again_stays_with_the_sentence_before_it() -> None:
    assert split(f"{B}{A}The letter of the clinic was read on Monday. {C}") == [
        B,
        f"{A}The letter of the clinic was read on Monday. ",
        C,
    ]


def test_what_doubts_the_source_of_a_list_keeps_all_of_it() -> None:
    items = "- Server of the bank\n- Server of the clinic\n- Server of the town\n"
    text = f"{A}\n\n{items}- The source of it lied.\n- Server of the school\n"
    assert split(text) == [
        f"{A}\n\n",
        f"{items}- The source of it lied.\n",
        "- Server of the school\n",
    ]
    assert split(f"{A}\n\n{items}\nThe source lied. {B}") == [
        f"{A}\n\n",
        f"{items}\nThe source lied. {B}",
    ]


def test_a_heading_that_doubts_a_source_speaks_of_what_follows() -> None:
    section = f"## The source is unreliable\n{B}{C}\n\n"
    assert split(f"{A}{C}\n\n{section}") == [A, f"{C}\n\n", section]


@pytest.mark.parametrize(
    "sentence",
    [
        "Both were invented by the campaign.",
        "All of it was made up by a student.",
        "Every word was fabricated.",
        "Each of the stories is a hoax.",
        "None of this is true.",
        "Neither story is true.",
        "Those posts were forged.",
        "The allegations are lies.",
        "The charges against the man have been dropped.",
        "They were acquitted by the court.",
        "The two have been cleared of it.",
        "Alles davon war frei erfunden.",
        "Beide wurden freigesprochen.",
        "Tout cela est faux.",
        "Todo esto es falso.",
        "Tudo isso foi inventado.",
    ],
)
@pytest.mark.parametrize("between", ["", "\n\n"])
def test_what_denies_several_things_keeps_the_text_whole(
    sentence: str, between: str
) -> None:
    assert whole(between.join((A, B, C, sentence)))


@pytest.mark.parametrize(
    "lead",
    [
        "Narratives of the campaign include two stories. ",
        "The campaign spread false claims. ",
        "The trolls shared a number of posts. ",
        "A rumour went through the town. ",
        "The note of the attackers said two things. ",
    ],
)
def test_what_announces_stories_stays_with_what_may_be_told(lead: str) -> None:
    told = f"{lead}{A}{B}{C}\n\n"
    assert split(f"{told}{C}") == [told, C]
    assert split(f"{B}\n\n{told}{C}")[-2].endswith(told)
    items = f"{lead}\n- Server of the bank\n- Server of the clinic\n\n"
    assert split(f"{B}\n\n{items}{C}")[-1].endswith(f"{items}{C}")
    # As a paragraph of its own it may mean all up to the next heading.
    section = f"{lead}\n\n{A}{B}\n\n{C}{A}\n\n"
    assert split(f"{section}# Facts\n{B}{C}") == [section, f"# Facts\n{B}", C]
    # As the end of a paragraph, the next one.
    ending = f"{A}{lead}\n\n{B}{C}\n\n"
    assert ending in "".join(split(f"{ending}{A}{B}")[:2])
    assert split(f"{ending}{A}{B}")[-2:] == [A, B]


def test_an_item_that_announces_stories_keeps_the_rest_of_its_list() -> None:
    first, told = "- Server of the bank\n", "- Two stories of the group\n- A\n- B\n\n"
    assert split(f"{first}{told}{C}")[-2:] == [told, C]


# -- form


def test_paragraphs_end_sentences() -> None:
    assert split(f"{A}\n\n{B}\r\n\r\n{C}\n") == [f"{A}\n\n", f"{B}\r\n\r\n", f"{C}\n"]


def test_a_wrapped_line_is_no_end() -> None:
    assert whole("The attackers encrypted the servers\nOf the Clinic of the town.\n")


ITEMS = [
    ("- ", "- ", "- "),
    ("* ", "* ", "* "),
    ("• ", "• ", "• "),
    ("1. ", "2. ", "3. "),
    ("(1) ", "(2) ", "(3) "),
    ("a) ", "b) ", "c) "),
    ("(iv) ", "(v) ", "(vi) "),
    ("[1] ", "[2] ", "[3] "),
    ("  - ", "  - ", "  - "),
    ("一、", "二、", "三、"),
    ("（1）", "（2）", "（3）"),
    ("① ", "② ", "③ "),
]


@pytest.mark.parametrize("marks", ITEMS)
def test_list_items_are_a_segment_each(marks: tuple[str, str, str]) -> None:
    parts = [
        f"{mark}Server of the {name} was hit\n"
        for mark, name in zip(marks, ("bank", "clinic", "school"), strict=True)
    ]
    assert split("".join(parts)) == parts
    # Also after a sentence that is complete.
    assert split(f"{A}\n{''.join(parts)}\n{B}") == [
        f"{A}\n",
        *parts[:2],
        f"{parts[2]}\n",
        B,
    ]


@pytest.mark.parametrize("marks", ITEMS)
@pytest.mark.parametrize(
    "lead",
    [
        "The clinic names these servers:\n",
        "The following hosts are NOT affected:\n\n",
        "The following hosts are NOT affected.\n",
        "The servers of the clinic are listed below.\n",
        "Not affected\n",
        "## Affected\n",
        "Affected\n\n",
        "該当するサーバー：\n",
    ],
)
def test_what_introduces_a_list_keeps_all_of_it(
    marks: tuple[str, str, str], lead: str
) -> None:
    items = "".join(f"{mark}Server of the bank\n" for mark in marks)
    parts = split(f"{A}{B}\n\n{lead}{items}\n{C}")
    assert [part for part in parts if f"{lead}{items}" in part]
    assert parts[0] == A


def test_what_stands_inside_a_list_item_stays_in_it() -> None:
    text = (
        "- Server of the bank. The disk was wiped.\n"
        "  Found on Monday. Logged on Tuesday.\n"
        "  - the left one\n\n"
        "  - the right one\n\n"
        "    More of the right one.\n"
        "12. March was the day\n"
    )
    other = "- Server of the clinic\n"
    assert split(text + other) == [text, other]


def test_a_line_that_happens_to_begin_like_an_item_is_none() -> None:
    text = (
        "The mail was sent to the clinic on the\n12. Patients of the\n- town saw it.\n"
    )
    assert split(text + "\n" + B) == [text + "\n", B]


def test_a_list_item_that_qualifies_stays_with_the_one_before() -> None:
    text = "- Server of the bank\n- Not the server of the clinic\n"
    assert whole(text)


@pytest.mark.parametrize(
    ("after", "parts"),
    [("Not one of the four was wiped.", 1), ("The servers of the four run again.", 3)],
)
def test_a_sentence_after_a_list_that_refers_to_it_keeps_all_of_it(
    after: str, parts: int
) -> None:
    items = "- Server of the bank\n- Server of the clinic\n\n"
    assert len(split(items + after)) == parts
    assert split(f"{A}\n\n{items}{after}\n\n{B}")[-1] == B


@pytest.mark.parametrize(
    "heading", ["# Timeline\n", "### Timeline\n\n", "Timeline\n\n", "**Timeline**\n\n"]
)
def test_a_heading_belongs_to_what_follows(heading: str) -> None:
    assert split(f"{A}\n\n{heading}{B}{C}") == [f"{A}\n\n", f"{heading}{B}", C]


def test_headings_in_a_row_belong_to_what_follows() -> None:
    text = f"# Report\n## Timeline\n\nThe first days\n\n{B}"
    assert split(f"{A}\n\n{text}{C}") == [f"{A}\n\n", text, C]


@pytest.mark.parametrize(
    ("heading", "end"),
    [
        ("## Unconfirmed\n", "## Facts\n"),
        ("## Unconfirmed\n", "# Facts\n"),
        ("## Stories\n", "## Facts\n"),
        ("## Unconfirmed\n\n### Sources\n", "## Facts\n"),
        ("Claims that are not confirmed\n\n", "Known facts\n\n"),
        ("Claims that are not confirmed\n\n", "# Known facts\n\n"),
    ],
)
def test_a_heading_that_doubts_keeps_its_whole_section(heading: str, end: str) -> None:
    section = f"{heading}{A}{B}\n\n{C}{A}\n\n"
    parts = split(f"# Report\n\n{A}\n\n{section}{end}{B}{C}")
    assert [part for part in parts if section in part]
    assert parts[-2:] == [f"{end}{B}", C]
    assert whole(f"{section}{A}{B}")


def test_a_last_line_without_end_mark_stays_with_what_stands_before_it() -> None:
    assert split(f"{A}{B}\n\nPolice of the town") == [A, f"{B}\n\nPolice of the town"]


# -- ends of sentences


@pytest.mark.parametrize(
    "text",
    [
        "The file v1.2.3 of the Vendor was on version 4. The host was x.",
        "The group used hxxp://evil[.]example and hxxps://evil[.]example/a?B=C&d. of",
        "The mail came from user(at)example(dot)org and from evil . Example . Com",
        "The mail of the clinic came from sample . The Host of the town was hit",
        "The hosts 203.0.113[.]7 and 203.0.113 . Seven of the clinic",
        "The file invoice.PDF.exe and the hash D41D8CD98F.A and example.Com/X.",
        "The talk of Dr. Example and Prof. Sample and Sgt. Instance at the clinic",
        "The mail to J. R. Example and the U.S. Embassy, e.g. Monday, i.e. The day",
        "The clinic of St. Example, No. 5 of the road, Fig. A of the report",
        "The mail of 12. March and of 3. Mai and at 10 a.m. Monday was sent",
        "The attackers waited... The clinic waited… The police waited .. Then",
        "The clinic of Yahoo! Inc. and Sample Ltd. Group and Sample GmbH & Co. KG",
        "The clinic lost approx. 500 files. 12 of the files were found.",
        "The file was sent. the clinic did write so",
        "The file was sent. -- The clinic",
        "Der Angriff erfolgte z. B. Montag und die Klinik war gem. Abs. Zwei",
        "El servidor de la Sra. Ejemplo en EE. UU. Embajada de la ciudad",
        "Сервер ООО им. Примера в г. Пример и ул. Примерная были взломаны",
        "ការវាយប្រហារ ។ល។ ម៉ាស៊ីនមេ",
        "名称是 evil。example 和 evil。example2",
        "攻击者等待。。。医院等待",
        "المهاجم د. محمود في أ.د. المستشفى",
        "ผู้โจมตี กลุ่ม ธนาคาร บริษัท และ กระทรวง",
    ],
)
def test_what_only_looks_like_an_end_is_none(text: str) -> None:
    assert list(sentence_starts(text, 0, len(text))) == []
    assert whole(text)


@pytest.mark.parametrize(
    ("opening", "closing"),
    ['""', "“”", "„“", "””", "«»", "»«", "‘’", "''", "()", "[]", "{}", "「」", "（）"],
)
def test_nothing_is_cut_inside_quotations_and_brackets(
    opening: str, closing: str
) -> None:
    text = f"The note {opening}{A}{B.strip()}{closing} of the clinic was read. "
    assert split(text + C) == [text, C]


@pytest.mark.parametrize("opening", ['"', "“", "«", "(", "[", "「", "('"])
def test_what_is_never_closed_lasts_no_longer_than_its_paragraph(opening: str) -> None:
    text = f"The note {opening}that was left of the clinic. {A}{B}\n\n"
    assert split(text + A + C) == [text, A, C]


@pytest.mark.parametrize(
    "text",
    [
        "The servers' disks and the clinic's mail of the '90s were read. ",
        "The servers’ disks and the clinic’s mail of the ’90s were read. ",
        'The 5" disk of the clinic was read. ',
        "The point c) of the list was read. ",
    ],
)
def test_apostrophes_and_inches_open_nothing(text: str) -> None:
    assert split(text + A + B) == [text, A, B]


def test_a_quotation_in_a_quotation_closes_alone() -> None:
    text = f'The note "{A}He read "{B}" and {C}" of the clinic was read. '
    assert (
        split(f"The note “{A}He wrote “{B} and {C}” of the clinic was read. ")[1:] == []
    )
    assert "".join(split(text)) == text
    nested = f"The note ({A}(of the clinic) {B}) was read. "
    assert split(nested + C) == [nested, C]


def test_who_said_it_stays_with_what_was_said() -> None:
    said = "病院は「サーバーは復旧した。」と記者会見で発表した。"
    assert split(f"患者は隣の市の病院に移送された。{said}")[-1] == said
    text = f"“{A.strip()}” The director of the clinic spoke to the press. "
    assert split(C + text + B) == [C + text, B]


def test_ends_are_seen_behind_quotations_addresses_and_years() -> None:
    for end in ("in 2024", "by 203.0.113.7", "by “EXAMPLE”", "by evil.example"):
        text = f"The servers of the clinic were hit {end}. "
        assert split(text + B) == [text, B]
    assert split(f"The clinic wrote “no more of the mails.” {A}{B}")[-1] == B


def test_thai_is_cut_only_between_long_clauses() -> None:
    first = "ผู้โจมตีเข้ารหัสเซิร์ฟเวอร์ทุกเครื่องของโรงพยาบาลประจำจังหวัด"
    second = "ตำรวจย้ายผู้ป่วยไปโรงพยาบาลในจังหวัดใกล้เคียงตลอดทั้งคืน"
    assert split(f"{first} {second}") == [f"{first} ", second]
    for text in (
        f"{first}ว่า {second}",  # "said that"
        f"{first}๑๒ {second}",  # a number
        f"{first} 12 {second}",
        f"{first} ตำรวจ {second}",  # a word, not a clause
        f"{first} ({second})",
        f"{first} {second[5:]}",  # begins with no known word
    ):
        assert whole(text)


# -- always


def test_a_text_without_sentences_is_one_segment() -> None:
    for text in ("", " ", "\n\n", "\u3000\n", "x", "..", "1. ", "- ", "#", "ก"):
        assert whole(text)


PIECES = [
    A, B, C, "This is not confirmed. ", "Denied.", ". ", "...", "。", "！？", "؟ ", "។ល។",
    "।", "\n", "\n\n", "\r\n", "\r", "\u2028", "\x85", "\x1c", "\v", " ", "\u3000", "\u00a0",
    "\t", "- ", "1. ", "(a) ", "# ", "## No\n", "Heading\n\n", "List:\n", '"', "“", "”",
    "„", "‘", "’", "'", "«", "»", "(", ")", "[.]", "「", "」", "hxxp://evil[.]example ",
    "U.S. ", "e.g. ", "12. ", "İ", "ﷺ", "\u0301", "\u200b", "\x00", "ก", "攻击者加密了服务器。",
    "ผู้โจมตีเข้ารหัสเซิร์ฟเวอร์ทุกเครื่องของโรงพยาบาล ", "Das ist ein Test. ", "Über", "\ud7ff",
]  # fmt: skip
texts = st.text() | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(derandomize=True, max_examples=400)
@given(texts, st.sampled_from(["", "en", "th", "sw"]))
def test_segments_joined_are_the_text(text: str, lang: str) -> None:
    parts = split(text, lang)
    assert "".join(parts) == text
    assert 1 <= len(parts) <= MAX_SEGMENTS
    assert len(parts) == 1 or all(part.strip() for part in parts)
    assert split(text, lang) == parts
    if len(parts) > 1:
        numbered = [[i, len(parts), part] for i, part in enumerate(parts)]
        assert join(numbered, 0) == text


@settings(derandomize=True, max_examples=200)
@given(texts, texts)
def test_a_denial_is_never_parted_from_what_it_denies(before: str, after: str) -> None:
    fact, denial = "The bank of the town was behind it.", "This is not confirmed."
    text = f"{before}\n\n{fact} {denial}\n\n{after}"
    at = text.index(f"{fact} {denial}") + len(fact)
    ends = itertools.accumulate(map(len, split(text)))
    assert not set(range(at, at + 2)) & set(ends)


@pytest.mark.parametrize("count", [399, 400, 401, 799, 1000, 5000])
def test_a_long_text_has_no_more_segments_than_the_cap(count: int) -> None:
    parts = split(A * count)
    assert len(parts) == min(count, MAX_SEGMENTS)
    sizes = {len(part) // len(A) for part in parts}
    assert max(sizes) - min(sizes) <= 1
    assert "".join(parts) == A * count


@pytest.mark.parametrize(
    "unit",
    [
        "a", ".", ". ", "A b. ", "(", ")", "'", '"', "« ", "?", "? ", " ", "\t.", "\n", "。",
        "។", "។ល។", "ก", " ก", "ก ตำรวจ", "- a\n", "- :\n", "1. ", "x\n\n", "x:\n\n",
        "not ", "not\n\n", "# not\n", "###### no\n\n", "#### no\n\n# no\n\n", "e.g. ",
        "a.)", "。」", "\u200b", "İ", "ﷺ", "update: ", "no   ", "- not\n  - b\n", A,
        "Two stories ran.\n\n", "- stories\n", "The source lied. ", "The source lied.\n\n",
        "- the source lied\n", "the ", "the a ", "the a b ", "l'", "stories ",
    ],
)  # fmt: skip
def test_a_long_text_of_anything_is_done(unit: str) -> None:
    # What takes the square of its length would not come back from this.
    text = unit * ((1 << 18) // len(unit.encode()))
    parts = split(text)
    assert sum(map(len, parts)) == len(text)
    assert len(parts) <= MAX_SEGMENTS


def test_a_mebibyte_is_done() -> None:
    text = "".join(PIECES) * ((1 << 20) // len("".join(PIECES)))
    assert "".join(split(text)) == text


# -- joining

SEGMENTS = [[0, 3, "It is "], [1, 3, "not confirmed "], [2, 3, "yet."]]


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ([0, 1, 2], "It is not confirmed yet."),
        ([0, 2], "It is [withheld]yet."),
        ([1], "[withheld]not confirmed [withheld]"),
        ([2], "[withheld]yet."),
        ([0], "It is [withheld]"),
        ([], "[withheld]"),
    ],
)
def test_a_reader_sees_where_segments_are_missing(kept: list[int], text: str) -> None:
    assert join([SEGMENTS[i] for i in kept], 3 - len(kept)) == text


def test_every_way_of_withholding_leaves_a_mark() -> None:
    for count in range(3):
        for kept in itertools.combinations(SEGMENTS, count):
            assert "[withheld]" in join(list(kept), 3 - count)


@pytest.mark.parametrize(
    ("segments", "missing"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([], 1, id="a single segment, withheld"),
        pytest.param([[0, 1, "a"]], 0, id="a single segment"),
        pytest.param([[0, 2, "a"]], 0, id="fewer than counted"),
        pytest.param([[0, 2, "a"]], 2, id="more than counted"),
        pytest.param([[0, 2, "a"], [1, 2, "b"]], 1, id="more than counted, all there"),
        pytest.param([[0, 2, "a"], [1, 2, "b"], [1, 3, "c"]], -1, id="less than none"),
        pytest.param(["text"], 1, id="a text"),
        pytest.param([None], 1, id="null"),
        pytest.param([{}], 1, id="an object"),
        pytest.param([(0, 2, "a")], 1, id="a tuple"),
        pytest.param([[0, 2]], 1, id="two parts"),
        pytest.param([[0, 2, "a", "b"]], 1, id="four parts"),
        pytest.param([["0", 2, "a"]], 1, id="a text for the place"),
        pytest.param([[0.0, 2, "a"]], 1, id="a float for the place"),
        pytest.param([[False, 2, "a"]], 1, id="a boolean for the place"),
        pytest.param([[0, 2.0, "a"]], 1, id="a float for the count"),
        pytest.param([[0, True, "a"]], 1, id="a boolean for the count"),
        pytest.param([[0, 2, None]], 1, id="no text"),
        pytest.param([[0, 2, ["a"]]], 1, id="a list for the text"),
        pytest.param([[2, 2, "a"]], 1, id="a place beyond the count"),
        pytest.param([[-1, 2, "a"]], 1, id="a place before the first"),
        pytest.param([[0, 0, "a"]], 1, id="a count of none"),
        pytest.param([[1, 2, "a"], [0, 2, "b"]], 0, id="the wrong order"),
        pytest.param([[0, 2, "a"], [0, 2, "b"]], 0, id="one place twice"),
        pytest.param([[0, 2, "a"], [1, 3, "b"]], 0, id="two counts"),
    ],
)
def test_what_is_not_all_segments_of_one_text_is_refused(
    segments: list[Any], missing: int
) -> None:
    with pytest.raises(ValueError, match="segment"):
        join(segments, missing)
