"""Where a sentence ends inside a paragraph. Pure.

Only at the end marks that are listed, outside quotations and brackets, before what
begins like a sentence. In doubt there is no end: too few cost a sentence, a wrong one
may cost a person. One pass; no pattern can go over a run of characters twice.

Sources: Unicode Standard Annex #29, 5 (sentence boundaries), for the marks and the
rule that a small letter continues a sentence.
"""
# ruff: noqa: RUF001  the marks of all scripts

import re
from collections.abc import Iterator
from typing import Final

from broker.wording import entries, fold, trie

# Before a full stop. What has one letter, three letters with a capital first, or parts
# of at most two letters, is known by its form.
_ABBREVIATIONS: Final = frozenset(
    entries(
        "prof, assoc, asst, dept, est, approx, incl, excl, corp, ltd, inc, bros, univ, "
        "intl, govt, gov, sen, rep, gen, col, maj, capt, sgt, lieut, cmdr, adm, insp, "
        "supt, hon, rev, pres, etc, et, al, cf, resp, vol, vols, no, nos, nr, nrs, fig, "
        "figs, gem, bzgl, ee, uu, pp, ed, eds, sec, sect, chap, ch, art, para, ref, refs, tel, ext, max, "
        "min, avg, sq, vs, viz, ca, cca, jan, feb, mar, apr, jun, jul, aug, sep, sept, "
        "oct, nov, dec, mon, tue, tues, wed, thu, thur, thurs, fri, sat, sun, ave, "
        "blvd, ste, bldg, mr, mrs, ms, dr, st, jr, sr, yahoo, bzw, evtl, ggf, inkl, "
        "exkl, sog, vgl, str, abs, geb, gest, mio, mrd, bspw, usw, zzgl, abzgl, hrsg, "
        "nachf, allg, einschl, gegr, mme, mlle, mgr, env, av, boul, tél, éd, janv, "
        "févr, avr, juil, déc, sra, srta, dra, gral, aprox, núm, pág, págs, ud, uds, "
        "depto, avda, tfno, ene, abr, ago, dic, admón, sras, exmo, exma, profa, fls, "
        "obs, drs, ir, hj, kab, kec, kel, jl, jln, tgl, hlm, dll, dsb, tsb, dst, yth, "
        "sdr, bpk, tbk, bb, gng, hen, kgg, kgng, gob, tp, ths, pgs, gs, bs, tx, ubnd, "
        "им, ул, гг, руб, коп, тыс, млн, млрд, трлн, см, стр, обл, респ, др, пр, проч, "
        "напр, акад, проф, ген, полк, подп, кв, св, ок, ст, гл, рис, табл, долл, чел, "
        "экз, мин, сек, рр, ім, вул, грн, тис, див, просп, бл, डॉ, श्री, सं, रु, प्रो, "
        "पं, कि, मी, ई, पू, พ, ศ, ค, ม, ต, อ, ดร, นพ, รศ, ผศ, ส, ว, น"
    )
)
_OPEN: Final = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "「": "」",
                "『": "』", "《": "》", "〈": "〉", "〔": "〕", "［": "］"}  # fmt: skip
_CLOSE: Final = {closing: opening for opening, closing in _OPEN.items()}
# Each mark of a family ends what another of it began.
_QUOTES: Final = {
    **dict.fromkeys('"＂', '"'),
    **dict.fromkeys("“”„‟", "“"),
    **dict.fromkeys("«»", "«"),
    **dict.fromkeys("‹›", "‹"),
    **dict.fromkeys("‘’‚'", "'"),
}
_ALWAYS_OPENS: Final = frozenset("“„«‹‘‚")
_BEFORE_WORD: Final = "\"'“”„‘«»‹(（[¿¡*_「『《"
_AROUND_WORD: Final = "\"'“”„‘’«»‹›()（）[]{}¿¡*_"

# What begins a clause in Thai and Lao often enough to begin a sentence: dates, and who
# acts. These scripts have no end mark, only spaces between clauses.
_BEGINNINGS: Final = entries(
    "เมื่อวันที่, เมื่อเวลา, ในวันที่, วันที่, ผู้โจมตี, ผู้ก่อเหตุ, แฮกเกอร์, เจ้าหน้าที่, ตำรวจ, กระทรวง, "
    "ธนาคาร, บริษัท, หน่วยงาน, โรงพยาบาล, มหาวิทยาลัย, รัฐบาล, กองทัพ, ระบบ, กลุ่ม, "
    "ເມື່ອວັນທີ, ໃນວັນທີ, ວັນທີ, ຜູ້ໂຈມຕີ, ແຮັກເກີ, ເຈົ້າໜ້າທີ່, ຕຳຫຼວດ, ກະຊວງ, ທະນາຄານ, ບໍລິສັດ, "
    "ໂຮງໝໍ, ລັດຖະບານ, ລະບົບ, ກຸ່ມ"
)
# After these a clause goes on, or a list.
_GOES_ON: Final = tuple(
    entries(
        "และ, หรือ, กับ, ว่า, คือ, ได้แก่, เช่น, ของ, ที่, ซึ่ง, โดย, ใน, จาก, ถึง, "
        "ต่อ, เพื่อ, ให้, แก่, ตาม, เป็น, แต่, ແລະ, ຫຼື, ກັບ, ວ່າ, ຄື, ໄດ້ແກ່, ເຊັ່ນ, "
        "ຂອງ, ທີ່, ເຊິ່ງ, ໂດຍ, ໃນ, ຈາກ, ເຖິງ, ຕໍ່, ເພື່ອ, ໃຫ້, ຕາມ, ເປັນ, ແຕ່"
    )
)
_MIN_CLAUSE_CHARS: Final = 30  # names, numbers and elements of lists are shorter
_CLAUSE_WINDOW: Final = 200  # no further is a space looked for
_WORD_WINDOW: Final = 24  # longer words are not abbreviated

_CLOSERS = r"[\"'”’“»«›‹)\]}）*_」』】》〉]{0,4}+"
# A run of marks is only looked at from its beginning, so that each character is
# passed once. The last group that matched names the kind, and is what closes.
_MARK = re.compile(
    rf"(?<![.!?…‼⁇⁈⁉])[.!?…‼⁇⁈⁉]++(?P<stop>{_CLOSERS})\s++"
    rf"|(?:។ល។|[。！？｡។៕။।॥]++)(?P<full>{_CLOSERS})\s*+"
    rf"|[؟۔።։]++(?P<arabic>{_CLOSERS})\s++"
    r"|['’](?!\w)|(?<!\w)['’]|[\"＂“”„‟«»‹›‘‚()\[\]{}（）【】「」『』《》〈〉〔〕［］]"
    rf"|(?<=[\u0e01-\u0e5b\u0e81-\u0edf])(?P<clause>\s++)"
    rf"(?={trie(_BEGINNINGS, whole=False)})"
)
# Where a mark can be; found much faster than the mark.
_ASCII_SPOT = re.compile(r"[.!?\"'()\[\]{}]")
_SPOTS = (
    r".!?…‼⁇⁈⁉。！？｡។៕။।॥؟۔։።'’\"＂“”„‟«»‹›‘‚()\[\]{}（）【】「」『』《》〈〉〔〕［］"
)
_SPOT = re.compile(f"[{_SPOTS}]")
_SPOT_OR_SPACE = re.compile(rf"[{_SPOTS}\s]")
_SPACED_CLAUSES = re.compile("[\u0e01-\u0e5b\u0e81-\u0edf]")  # Thai, Lao


def sentence_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Find where sentences begin in the paragraph `text[start:end]`, but the first.

    A quotation or bracket that is never closed lasts to the end of the paragraph.
    """
    nesting = _Nesting()
    spots = _ASCII_SPOT
    if not text.isascii():
        clauses = _SPACED_CLAUSES.search(text, start, end)
        spots = _SPOT_OR_SPACE if clauses else _SPOT
    at = start
    while spot := spots.search(text, at, end):
        mark = _MARK.match(text, spot.start(), end)
        at = mark.end() if mark else spot.end()
        if mark is None:
            continue
        if mark.lastgroup is None:
            nesting.turn(text, mark.start())
            continue
        for place in range(*mark.span(mark.lastgroup)):
            nesting.turn(text, place)
        if at < end and not nesting.is_open and _ENDS[mark.lastgroup](text, mark):
            yield at


class _Nesting:
    """Which brackets and quotations are open."""

    def __init__(self) -> None:
        self._brackets: dict[str, int] = {}
        self._quotes: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        return bool(self._brackets or self._quotes)

    def turn(self, text: str, at: int) -> None:
        """Take note of the character at *at*, if it opens or closes something."""
        char = text[at]
        if char in _QUOTES:
            self._turn_quote(text, at)
        elif char in _OPEN:
            self._brackets[char] = self._brackets.get(char, 0) + 1
        elif (opening := _CLOSE.get(char)) in self._brackets and opening:
            self._brackets[opening] -= 1
            if not self._brackets[opening]:
                del self._brackets[opening]

    def _turn_quote(self, text: str, at: int) -> None:
        char, family = text[at], _QUOTES[text[at]]
        before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2] or " "
        opens = not after.isspace() and not before.isalnum()
        opened = self._quotes.get(family)
        if opened is None:
            # Not the apostrophe of '90s.
            if char in _ALWAYS_OPENS or (
                opens and not (family == "'" and after.isdigit())
            ):
                self._quotes[family] = char
        elif not (char == opened and opens and before.isspace()):
            del self._quotes[family]


def _ends_at_stop(text: str, mark: re.Match[str]) -> bool:
    start = mark.start()
    run = text[start : mark.start("stop")]
    if "…" in run or ".." in run:
        return False
    if not start or text[start - 1].isspace():
        return False  # "example . com"
    return _begins(text, mark.end()) and ("?" in run or not _is_short(text, start))


def _ends_at_full_stop(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.start(), mark.end()
    run = text[start : mark.start("full")]
    if len(set(run)) != len(run):
        return False  # an ellipsis, or Khmer "et cetera"
    if mark["full"] and mark.end("full") == end:
        return False  # 「…。」と発表した: who says so follows
    if start and text[start - 1].isascii() and text[end].isascii():
        return text[end - 1].isspace()  # else a domain name
    return text[end].isalnum() or text[end] in _BEFORE_WORD


def _ends_at_arabic_stop(text: str, mark: re.Match[str]) -> bool:
    return _begins(text, mark.end()) and not _is_short(text, mark.start())


def _ends_at_space(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.span()
    before = text[max(0, start - _CLAUSE_WINDOW) : start].rsplit(maxsplit=1)[-1]
    after = text[end : end + _CLAUSE_WINDOW].split(maxsplit=1)[0]
    return (
        min(len(before), len(after)) >= _MIN_CLAUSE_CHARS
        and not before.endswith(_GOES_ON)
        and not before[-1].isdigit()
    )


_ENDS: Final = {
    "stop": _ends_at_stop,
    "full": _ends_at_full_stop,
    "arabic": _ends_at_arabic_stop,
    "clause": _ends_at_space,
}


def _begins(text: str, at: int) -> bool:
    """Tell whether a sentence may begin there: a letter, not a small one."""
    first = text[at : at + 4].lstrip(_BEFORE_WORD)[:1]
    return first.isalpha() and not first.islower()


def _is_short(text: str, end: int) -> bool:
    """Tell whether the word before *end* looks abbreviated, an initial or ordinal."""
    words = text[max(0, end - _WORD_WINDOW) : end].split()
    if not words:
        return True  # the text begins with a mark
    parts = words[-1].strip(_AROUND_WORD).split(".")
    last = parts[-1]
    if len(parts) > 1 and all(len(part) < 3 and part.isalpha() for part in parts):
        return True  # "U.S.", "e.g."
    if last.isdigit():
        return len(parts) == 1 and len(last) < 3  # "12. März", not "10.0.0.1."
    if len(last) < 2 or fold(last) in _ABBREVIATIONS:
        return True
    return len(last) < 4 and last[0].isupper() and last[1:].islower()  # "Sgt."
