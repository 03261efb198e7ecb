"""Text made comparable. Pure, and deliberately eager.

What finds personal data in it is `adapters.personal_data`; the addresses and long numbers
that are found here are those that the guard looks for elsewhere.

Every pattern here is linear in the text: an issuer may send a megabyte of letters.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

# Characters that are not seen but would part a word: format characters, joiners,
# fillers, variation selectors, frames and keycaps.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u20dd-\u20e0\u20e2-\u20e4\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
# Letters that no Unicode form takes apart, as people without the key write them;
# and the full stop of Chinese and Japanese, which parts domain names too.
_PLAIN: Final = {
    "đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "\u0131": "i", "æ": "ae",
    "œ": "oe", "þ": "th", "。": ".",
}  # fmt: skip
_UNPLAIN = re.compile(f"[{''.join(_PLAIN)}]")
_SPACES = re.compile(r"\s+")
# How people write addresses so that nobody follows them.
_FANGS: Final = (
    (re.compile(r"[\[({<] ?(?:\.|dot) ?[\])}>]|\\+\."), "."),
    (re.compile(r"[\[({<] ?(?:@|at) ?[\])}>]"), "@"),
    (re.compile(r"[\[({<] ?(:|://|//|/) ?[\])}>]"), r"\1"),
    (re.compile(r"\bhxxp"), "http"),
)
_BRACKETED = re.compile(r"[\[({<] ?(?:[.@:/]|dot|at|://|//) ?[\])}>]")
_SPOKEN = re.compile(r"(?<=\w) at ([\w-]{1,63}(?: dot [\w-]{1,63})+)")

_LOCAL_PART = re.compile(r"[\w.+-]{1,64}\Z")
_MAX_LOCAL_CHARS: Final = 64  # RFC 5321, 4.5.3.1.1
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})+")
_LOGIN = re.compile(r"://([^\s/@:]{1,256}:[^\s/@]{1,256})@")
# Seven or more digits with the separators people write in numbers: phones,
# identity numbers, accounts, cards.
_MIN_DIGITS: Final = 7
_DIGIT = re.compile(r"\d")
_PLAIN_TEXT = re.compile(
    r"[^@%&\[({<\\]*"
)  # nothing that normalising could turn into @
_NUMBER = re.compile(r"\d(?:[\s().\-\u2010-\u2015]{0,2}\d){6,}")
# What has as many digits and identifies nobody. A date before 2000 may be a birthday.
_YEAR = r"20[0-4]\d"
_HARMLESS = re.compile(
    rf"(?<!\d){_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?z?)?(?!\d)"
    rf"|(?<!\d)(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.{_YEAR}(?!\d)"
    rf"|(?<!\d){_YEAR} ?[-\u2010-\u2015/] ?{_YEAR}(?!\d)"
    r"|\bcve-\d{4}-\d{4,7}\b|\bt\d{4}\.\d{3}\b|\bkb\d{6,8}\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=\d{0,127}[a-f])[0-9a-f]{32,128}\b"
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")

_WORD = re.compile(r"[^\W\d_]+|\d+")
# Scripts that put no spaces between words, or join particles to a name: Thai, Lao,
# Tibetan, Myanmar, Khmer, Chinese, Japanese, Korean.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u19e0-\u19ff\u2e80-\u9fff"
    "\uaa60-\uaa7f\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


def normalise(text: str) -> str:
    """Fold spelling differences.

    Compatibility forms, case, accents, invisible characters, percent and HTML
    escapes, defanging; every run of spaces becomes one.
    """
    if not text.isascii():  # escapes can be written in full width, too
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    if "%" in text:
        text = unquote(text)
    if "&" in text:
        text = html.unescape(text)
    if text.isascii():
        text = text.lower()
    else:
        visible = _INVISIBLE.sub("", text)
        folded = unicodedata.normalize("NFKC", visible).casefold()
        parted = unicodedata.normalize("NFKD", folded)
        bare = "".join(c for c in parted if not unicodedata.combining(c))
        composed = unicodedata.normalize("NFC", bare)
        text = _UNPLAIN.sub(lambda found: _PLAIN[found[0]], composed)
    text = _SPACES.sub(" ", text)
    if "\\" in text or "hxxp" in text or _BRACKETED.search(text):
        for written, meant in _FANGS:
            text = written.sub(meant, text)
    if " dot " in text:
        text = _SPOKEN.sub(lambda m: "@" + m[1].replace(" dot ", "."), text)
    return text


def loosen(normalised: str) -> str:
    """Give the words and numbers alone, a space around each.

    Spelled so, a name is found between spaces, whatever parted it from the rest:
    punctuation, underscores, digits.
    """
    return f" {' '.join(_WORD.findall(normalised))} "


def capitalised(text: str) -> frozenset[str]:
    """List the words that begin with a capital, normalised."""
    found = _WORD.findall(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    return frozenset(normalise(word) for word in found if word[0].isupper())


def is_unspaced(text: str) -> bool:
    """Tell whether words of this script are found without spaces around them."""
    return _UNSPACED.search(text) is not None


def addresses(normalised: str) -> Iterator[str]:
    """Find mail addresses, and names with passwords in URLs."""
    at = normalised.find("@")
    if at < 0:
        return
    for login in _LOGIN.finditer(normalised):
        yield login[1]
    while at >= 0:
        local = _LOCAL_PART.search(normalised, max(0, at - _MAX_LOCAL_CHARS), at)
        domain = _DOMAIN.match(normalised, at + 1)
        if local and domain:
            yield f"{local[0]}@{domain[0]}"
        at = normalised.find("@", at + 1)


def numbers(normalised: str) -> Iterator[str]:
    """Find long numbers: their digits. IPv4 addresses are not among them."""
    for found in _NUMBER.finditer(_IPV4.sub("|", _HARMLESS.sub("|", normalised))):
        yield "".join(str(unicodedata.digit(c)) for c in found[0] if c.isdigit())


def long_numbers(normalised: str) -> Iterator[int]:
    """Find where long numbers may begin, and IPv4 addresses and dates as well."""
    for found in _NUMBER.finditer(normalised):
        yield found.start()


def may_hold_personal_data(text: str) -> bool:
    """Tell, faster than finding out, whether there is anything to look for."""
    if not text.isascii() or not _PLAIN_TEXT.fullmatch(text):
        return True
    return "dot" in text.lower() or len(_DIGIT.findall(text)) >= _MIN_DIGITS
