"""Personal data in free text. Pure, and deliberately eager.

A hit withholds the text, so a false alarm costs a sentence and a miss costs a
person. National identity numbers and phone numbers by country come later.
"""

import re
import unicodedata

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63})+")
_URL_LOGIN = re.compile(r"\w+://[^\s/@]+:[^\s/@]+@")
# Seven or more digits with the separators people write in numbers: phones,
# identity numbers, accounts, cards. Dates (2026-03-14) and clock times have fewer
# in one run or are cut out first.
_NUMBER = re.compile(r"\+?\d(?:[\s().-]?\d){6,}")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?\b")
_DEFANGED = (("[.]", "."), ("(.)", "."), ("[@]", "@"), ("[at]", "@"), ("hxxp", "http"))


def normalise(text: str) -> str:
    """Fold spelling differences: NFKC, case, defanging."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    for written, meant in _DEFANGED:
        folded = folded.replace(written, meant)
    return folded


def holds_personal_data(text: str) -> bool:
    """Tell whether *text* seems to hold an address, a login or a long number."""
    folded = normalise(text)
    if _EMAIL.search(folded) or _URL_LOGIN.search(folded):
        return True
    return _NUMBER.search(_DATE.sub(" ", folded)) is not None
