"""National identity numbers of ASEAN and the EU: one table, and how it is searched. Pure.

A number that consists of digits alone may be written in any groups; letters and digits
are looked for as they are written. What has no check digit, and looks like anything
else, is believed only after a word that announces it: elsewhere seven digits are a hit
anyway (`adapters.long_numbers`), only under another name.

Sources: `stdnum` means the module of python-stdnum that is called, which cites its own;
OECD means the country's sheet on tax identification numbers
(oecd.org/tax/automatic-exchange); EU means the European Commission's list "TIN on
Europa". Longer than most files because it is data.
"""
# ruff: noqa: RUF001  words in all scripts

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from stdnum.at import vnr
from stdnum.be import ssn
from stdnum.bg import egn, pnf
from stdnum.cy import vat as cy_vat
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nif as fr_nif
from stdnum.fr import nir
from stdnum.gr import amka
from stdnum.gr import vat as gr_vat
from stdnum.id import nik, npwp
from stdnum.ie import pps
from stdnum.iso7064 import mod_11_10
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.my import nric
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.pt import cc
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import emso
from stdnum.th import pin

from adapters import check_digits
from adapters.text import normalise

Check = Callable[[str], bool]


class Numbering(msgspec.Struct, frozen=True):
    """A kind of number that a country gives to persons.

    Attributes:
        country: ISO 3166-1, two letters; empty for any.
        shape: Regular expression of the whole number in small letters and ASCII
            digits. With `length`, of its digits without what stands between them.
        is_valid: Asked with the number in capitals; without `length`, as written.
        length: In digits, if it has no letters.
        words: Regular expression of a word that must stand before it; "" if none.
    """

    country: str
    name: str
    shape: str
    is_valid: Check | None = None
    length: int = 0
    words: str = ""


_BETWEEN = re.compile(r"[ ./()-]")


def _bare(check: Check) -> Check:
    return lambda written: check(_BETWEEN.sub("", written))


def _is_fiscal_code(written: str) -> bool:
    # All seven digits can be letters (Omocodia); then it would be any long word.
    bare = _BETWEEN.sub("", written)
    return any(c.isdigit() for c in bare) and codicefiscale.is_valid(bare)


def _is_idnr(digits: str) -> bool:
    # One of the first ten comes twice or thrice; asked first because it is quicker.
    return 8 <= len(set(digits[:10])) <= 9 and idnr.is_valid(digits)


def _is_hetu(written: str) -> bool:
    return hetu.is_valid(written, allow_temporary=True)


def _words(*words: str) -> str:
    return "|".join(re.escape(normalise(word)) for word in words)


_YYMMDD: Final = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DDMM: Final = r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])"
_OMOCODE: Final = "[0-9lmnp-v]"
_MYANMAR: Final = "\u1000-\u109f"

TABLE: Final = (
    # ---------------------------------------------------------------- ASEAN
    # Immigration and National Registration Department: two digits, six digits.
    Numbering("BN", "kad pengenalan", r"\d\d-?\d{6}",
              words=_words("ic", "kad pengenalan", "brunei id")),
    # Nine digits on the card, with two more in brackets on some; no check digit known.
    Numbering("KH", "identity card", r"\d{9}(?: ?\(\d\d\))?",
              words=_words("khmer id", "cambodian id", "អត្តសញ្ញាណប័ណ្ណ", "អត្តសញ្ញាណបណ្ណ")),
    # stdnum.id.nik: place, day of birth (women: plus 40), serial.
    Numbering("ID", "NIK", r"\d{6}[0-7]\d[01]\d{7}", nik.is_valid, 16),
    Numbering("ID", "NPWP", r"\d{15}", npwp.is_valid, 15),
    # stdnum.my.nric: day and place of birth.
    Numbering("MY", "MyKad", _YYMMDD + r"\d{6}", nric.is_valid, 12),
    # As the Ministry of Immigration and Population writes it: state or region,
    # township, kind of citizenship, six digits. No check digit.
    Numbering("MM", "NRC",
              rf"(?:1[0-4]|0?[1-9]) ?[/-] ?(?:[a-z]{{3,12}}|[{_MYANMAR}]{{3,12}}) ?"
              rf"[(\[{{] ?(?:n|naing|e|eh|p|pyu|t|th|tha|thi|y|yay|c|s|f|[{_MYANMAR}]{{1,8}}) ?[)\]}}]"
              r" ?-?\d{6}"),
    # Republic Act 11055: PSN of 12, PCN of 16 digits. No published check digit.
    Numbering("PH", "PhilSys", r"\d{4}-?\d{4}-?\d{4}(?:-?\d{4})?",
              words=_words("philsys", "philid", "psn", "pcn", "ephilid")),
    Numbering("PH", "SSS", r"\d\d-?\d{7}-?\d", words=_words("sss")),
    # Bureau of Internal Revenue, form 1902; the branch follows.
    Numbering("PH", "TIN", r"\d{3}-?\d{3}-?\d{3}(?:-?\d{3,5})?",
              words=_words("tin")),
    # National Registration Act; the letters: no official publication, but well known.
    Numbering("SG", "NRIC, FIN", r"[stfgm][ -]?\d{7}[ -]?[a-z]",
              _bare(check_digits.is_singapore_nric)),
    # stdnum.th.pin
    Numbering("TH", "identity card", r"[1-9]\d{12}", pin.is_valid, 13),
    # Decree 137/2015/ND-CP, article 7: province, century and sex, year, six digits.
    Numbering("VN", "CCCD", r"0\d{11}", check_digits.is_vietnam_cccd, 12),
    # Given until 2024; nine digits.
    Numbering("VN", "CMND", r"\d{3} ?\d{3} ?\d{3}",
              words=_words("cmnd", "chứng minh nhân dân", "cmtnd", "chứng minh thư")),
    # ------------------------------------------------------------------- EU
    Numbering("AT", "Versicherungsnummer", r"[1-9]\d{3}[0-3]\d[01]\d{3}",
              vnr.is_valid, 10),  # stdnum.at.vnr
    Numbering("BE", "numéro national, BIS", r"\d\d(?:[024]\d|[135][0-2])[0-3]\d{6}",
              ssn.is_valid, 11),  # stdnum.be.ssn
    Numbering("BG", "EGN", r"\d\d[0-5]\d[0-3]\d{5}", egn.is_valid, 10),  # stdnum.bg.egn
    Numbering("BG", "PNF (LNC)", r"\d{10}", pnf.is_valid, 10),  # stdnum.bg.pnf
    # stdnum.hr.oib is this and takes twice as long.
    Numbering("HR", "OIB", r"\d{11}", mod_11_10.is_valid, 11),
    # EU; stdnum.cy.vat: persons' have the same form as companies'.
    Numbering("CY", "TIC", r"\d{8}[ -]?[a-z]", _bare(cy_vat.is_valid)),
    # Civil Registry and Migration Department: up to ten digits, no check digit.
    Numbering("CY", "identity card", r"\d{6,10}",
              words=_words("αριθμός ταυτότητας", "ταυτότητα", "adt", "αδτ", "cyprus id")),
    Numbering("CZ", "rodné číslo", r"\d{10}", rc.is_valid, 10),  # stdnum.cz.rc
    Numbering("CZ", "rodné číslo, until 1953", r"\d{9}", rc.is_valid, 9),
    # stdnum.dk.cpr; since 2007 without a check digit, so only the day counts.
    Numbering("DK", "CPR", _DDMM + r"\d{6}", cpr.is_valid, 10),
    Numbering("EE", "isikukood", r"[1-8]" + _YYMMDD + r"\d{4}", ik.is_valid, 11),  # stdnum.ee.ik
    # stdnum.fi.hetu; decree 128/2010 with the letters added in 2023.
    Numbering("FI", "henkilötunnus", _DDMM + r"\d\d[-+a-fu-y]\d{3}[0-9a-fhj-npr-y]",
              _is_hetu),
    Numbering("FR", "NIR", r"[1-478]\d{14}", nir.is_valid, 15),  # stdnum.fr.nir
    Numbering("FR", "NIR, Corsica",
              r"[1-478][ .]?\d\d[ .]?\d\d[ .]?2[ab][ .]?\d{3}[ .]?\d{3}[ .]?\d\d",
              _bare(nir.is_valid)),
    Numbering("FR", "numéro fiscal", r"[0-3]\d{12}", fr_nif.is_valid, 13),  # stdnum.fr.nif
    # stdnum.de.idnr; the identity card has a number of its own for each card.
    Numbering("DE", "Identifikationsnummer", r"[1-9]\d{10}", _is_idnr, 11),
    Numbering("GR", "AMKA", _DDMM + r"\d{7}", amka.is_valid, 11),  # stdnum.gr.amka
    Numbering("GR", "AFM", r"\d{9}", gr_vat.is_valid, 9),  # stdnum.gr.vat
    # One or two letters that look alike in Greek and Latin, six digits; no check digit.
    Numbering("GR", "ADT", r"[a-zα-ω]{1,2}[ -]?\d{6}",
              words=_words("αδτ", "α.δ.τ.", "ταυτότητα", "δελτίο ταυτότητας", "adt")),
    # Act XX of 1996; OECD.
    Numbering("HU", "személyi azonosító", r"[1-8]" + _YYMMDD + r"\d{4}",
              check_digits.is_hungary_personal, 11),
    Numbering("HU", "adóazonosító jel", r"8\d{9}", check_digits.is_hungary_tax, 10),
    Numbering("HU", "TAJ", r"\d{9}", check_digits.is_hungary_taj, 9),
    Numbering("IE", "PPS", r"\d{7}[ -]?[a-w][abhwtx]?", _bare(pps.is_valid)),  # stdnum.ie.pps
    # stdnum.it.codicefiscale; the digits may be letters (Decreto 12 marzo 1974).
    Numbering("IT", "codice fiscale",
              rf"[a-z]{{3}}[ -]?[a-z]{{3}}[ -]?{_OMOCODE}{{2}}[ -]?[abcdehlmprst]"
              rf"[ -]?{_OMOCODE}{{2}}[ -]?[a-z]{_OMOCODE}{{3}}[ -]?[a-z]",
              _is_fiscal_code),
    Numbering("LV", "personas kods", r"(?:[0-3]\d[01]\d|3[2-9]\d\d)\d{7}",
              pvn.is_valid, 11),  # stdnum.lv.pvn
    Numbering("LT", "asmens kodas", r"(?:[1-6]\d\d[01]\d[0-3]|9\d{5})\d{5}",
              asmens.is_valid, 11),  # stdnum.lt.asmens
    # OECD: Luhn and Verhoeff.
    Numbering("LU", "matricule", r"(?:18|19|20)" + _YYMMDD + r"\d{5}",
              check_digits.is_luxembourg_matricule, 13),
    # OECD: up to seven digits and a letter; no check digit.
    Numbering("MT", "identity card", r"\d{7}[mgaplhbz]"),
    Numbering("MT", "identity card, short", r"\d{3,6}[ -]?[mgaplhbz]",
              words=_words("id", "id card", "identity card", "karta tal-identità")),
    Numbering("NL", "BSN", r"\d{9}", bsn.is_valid, 9),  # stdnum.nl.bsn
    Numbering("NL", "BSN, without the zero", r"[1-9]\d{7}", bsn.is_valid, 8),
    Numbering("PL", "PESEL", r"\d\d(?:[02468][1-9]|[13579][0-2])[0-3]\d{6}",
              pesel.is_valid, 11),  # stdnum.pl.pesel
    Numbering("PT", "NIF", r"[1-9]\d{8}", pt_nif.is_valid, 9),  # stdnum.pt.nif
    Numbering("PT", "cartão de cidadão", r"\d{8}[ -]?\d[ -]?[a-z0-9]{2}\d",
              _bare(cc.is_valid)),  # stdnum.pt.cc
    Numbering("RO", "CNP", r"[1-9]" + _YYMMDD + r"\d{6}", cnp.is_valid, 13),  # stdnum.ro.cnp
    # As Czechia's (Act 301/1995).
    Numbering("SK", "rodné číslo", r"\d{10}", rc.is_valid, 10),
    Numbering("SI", "EMŠO", _DDMM + r"\d{9}", emso.is_valid, 13),  # stdnum.si.emso
    Numbering("ES", "DNI", r"\d\d\.?\d{3}\.?\d{3}[ -]?[a-z]", _bare(dni.is_valid)),  # stdnum.es.dni
    Numbering("ES", "NIE", r"[xyz][ -]?\d{7}[ -]?[a-z]", _bare(nie.is_valid)),  # stdnum.es.nie
    # stdnum.se.personnummer; a plus for those over a hundred.
    Numbering("SE", "personnummer", r"\d{10}", personnummer.is_valid, 10),
    Numbering("SE", "personnummer", r"(?:18|19|20)\d{10}", personnummer.is_valid, 12),
    Numbering("SE", "personnummer, over 100", r"(?:\d\d)?" + _YYMMDD + r"\+\d{4}",
              personnummer.is_valid),
    # ------------------------------------------- any country, where words announce it
    Numbering("", "identity document", r"[a-z]{0,3}[ -]?\d{5,12}[a-z]?",
              words=_words(
                  "identity card", "id card", "national id", "identity number",
                  "id number", "passport", "paspor", "pasport", "ktp",
                  "carte d'identité", "passeport", "personalausweis", "reisepass",
                  "bilhete de identidade", "cartão eleitoral", "passaporte", "pasaporte",
                  "hộ chiếu", "căn cước", "บัตรประชาชน", "หนังสือเดินทาง",
                  "ບັດປະຈຳຕົວ", "លិខិតឆ្លងដែន", "နိုင်ငံကူးလက်မှတ်",
              )),
)  # fmt: skip

# Of these nothing is public that a table could hold; after a word that announces an
# identity document, and from seven digits on, their numbers are found all the same.
WITHOUT_PUBLIC_FORMAT: Final = {
    "LA": "identity cards and family books are numbered by province, in no published form",
    "TL": "electoral cards and the bilhete de identidade have no published form",
}

# Neither in the middle of a longer number, nor a letter in the middle of a word.
_BEGINS: Final = r"(?<!\d)(?<![a-z](?=[a-z]))"
_ENDS: Final = r"(?!\d)(?!(?<=[a-z])[a-z])"


def _together(rows: tuple[Numbering, ...], ends: str) -> re.Pattern[str]:
    """Make a pattern whose groups are the rows that match at one place, all of them."""
    return re.compile("".join(rf"(?:(?=({row.shape}){ends})|)" for row in rows))


_DIGITS: Final = {
    length: tuple(row for row in TABLE if row.length == length)
    for length in {row.length for row in TABLE if row.length}
}
_DIGITS_PATTERN: Final = {n: _together(rows, r"\Z") for n, rows in _DIGITS.items()}
LENGTHS: Final = frozenset(_DIGITS)

_MIXED: Final = tuple(row for row in TABLE if not row.length and not row.words)
_MIXED_PATTERN: Final = _together(_MIXED, _ENDS)
# Where one of them may begin: near a digit.
_MIXED_START: Final = re.compile(
    _BEGINS + rf"(?=\d{{1,2}} ?[/-] ?[a-z{_MYANMAR}]{{3}}|\d{{6}}|\d\d\.?\d{{3}}\.|[stfgmxyz][ -]?\d{{7}}"
    rf"|[a-z]{{3}}[ -]?[a-z]{{3}}[ -]?{_OMOCODE}{{2}}[ -]?[a-z][ -]?{_OMOCODE}{{2}}"
    r"|[1-478][ .]\d\d[ .]\d\d[ .]2)"
)  # fmt: skip

_GLUE: Final = r"(?:\W{0,4}(?:no|nr|number|num|nomor)\b)?\W{0,4}"
_ANNOUNCED: Final = tuple(row for row in TABLE if row.words)
_ANNOUNCED_PATTERN: Final = re.compile(
    "(?<![a-z])(?:"
    + "|".join(rf"(?:{row.words}){_GLUE}({row.shape}){_ENDS}" for row in _ANNOUNCED)
    + ")"
)


def is_identity_number(digits: str) -> bool:
    """Tell whether the digits are a number of the table."""
    pattern = _DIGITS_PATTERN.get(len(digits))
    found = pattern.match(digits) if pattern else None
    if found is None:
        return False
    rows = _DIGITS[len(digits)]
    return any(
        group is not None and (row.is_valid is None or row.is_valid(digits))
        for row, group in zip(rows, found.groups(), strict=True)
    )


def lettered(text: str) -> Iterator[tuple[int, int]]:
    """Find numbers with letters or signs in them: where they begin and end."""
    for start in _MIXED_START.finditer(text):
        found = _MIXED_PATTERN.match(text, start.start())
        if found is None or found.lastindex is None:
            continue
        for row, group in zip(_MIXED, found.groups(), strict=True):
            if group is not None and (
                row.is_valid is None or row.is_valid(group.upper())
            ):
                yield start.start(), start.start() + len(group)


def announced(text: str) -> Iterator[tuple[int, int]]:
    """Find numbers after a word that says what they are."""
    for found in _ANNOUNCED_PATTERN.finditer(text):
        yield found.span(found.lastindex or 0)
