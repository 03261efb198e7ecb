"""Digits that identify nobody: blanked before numbers are looked for. Pure.

Text is normalised, its digits are ASCII. Whatever is blanked is lost to the search for
long numbers, so each form has to stand free: `02-2024-2025` is no range of years.
"""

import re
from typing import Final

_YEAR: Final = r"20[0-4]\d"  # a date before 2000 may be a birthday
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = (
    r"[0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?z|[+-][01]\d:?[0-5]\d)?"
)

# ISO 8601, extended and basic; days as Europe, Asia and America write them.
_DATES: Final = (
    rf"{_YEAR}-{_MONTH}-{_DAY}(?:(?:t| |, ){_TIME})?(?!-?\d)"
    rf"|{_YEAR}{_MONTH}{_DAY}t[0-2]\d[0-5]\d(?:[0-5]\d)?z?(?!-?\d)"
    rf"|(?:0?[1-9]|[12]\d|3[01])(?P<sep>[./-])(?:0?[1-9]|1[0-2])(?P=sep){_YEAR}(?![./-]?\d)"
    rf"|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/{_YEAR}(?![./-]?\d)"
    rf"|{_YEAR}[/.]{_MONTH}[/.]{_DAY}(?![./-]?\d)"
    rf"|(?<!\d[ ()]){_YEAR} ?[-/] ?{_YEAR}(?![ ().]?\d)"
)
# Catalogues of weaknesses and advice, techniques, articles of knowledge bases.
_CODES: Final = (
    r"(?:(?:cve|euvd|jvndb)-(?:19|20)\d\d-\d{4,7}"
    r"|(?:cnnvd|cnvd|icsa|icsma|zdi|rhsa|dsa)-\d{2,6}(?:-\d{2,5}){1,2})"
    r"(?![a-z0-9-])|t\d{4}\.\d{3}(?![.-]?[a-z0-9])|kb\d{6,8}(?![.-]?[a-z0-9])"
)
# MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. Of digits alone it is no hash.
_HEX: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![a-z0-9])"
    r"|(?=[0-9a-f]{32})(?=\d{0,127}[a-f])"
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
    r"(?![a-z0-9])"
)
# A version that could be an address in a network was taken for one before. Without a
# word it is known by its second part, which is a zero, and a build too large for an
# address (Windows, Chrome): no groups of a phone number or of an identity number.
_PART: Final = r"(?:0|[1-9]\d{0,4})"
_VERSIONS: Final = (
    rf"(?:v|(?:ver|vers|version|versi|build|firmware)[.:]? ?)[1-9]\d{{0,3}}"
    rf"(?:\.{_PART}){{1,4}}(?![.-]?[a-z0-9])"
    r"|[1-9]\d{0,2}\.0\.[1-9]\d{3,4}\.(?:0|[1-9]\d{0,3})(?![.-]?[a-z0-9])(?! \d)"
)
# Groups of three with a currency before them; or money or what is counted after them,
# and then no more than eight digits: nine in threes are an identity number or a phone's.
_GROUPED: Final = r"[1-9]\d{0,2}(?:[., ]\d{3}){1,4}(?:[.,]\d{1,2})?"
_FEW: Final = r"[1-9]\d?(?:[. ]\d{3}){2}(?:[.,]\d{1,2})?"
_MONEY: Final = (
    "usd|us\\$|eur|euros?|gbp|chf|idr|rp|rm|myr|sgd|s\\$|php|thb|baht|vnd|dong|khr|riel|"
    "lak|kip|mmk|kyat|bnd|sek|dkk|pln|czk|huf|ron|bgn|jpy|cny|dollars?|rupiah|ringgit|"
    "[$€£¥฿₫₱₭៛]"
)
_COUNTED: Final = (
    "accounts?|users?|records?|rows|customers?|clients?|voters?|citizens?|patients?|"
    "people|persons|followers?|views|posts?|messages?|e-?mails?|devices?|hosts|requests?|"
    "credentials|passwords|files|bytes|packets|events|akun|pengguna|orang|data|comptes|"
    "utilisateurs|personnes|konten|nutzer|personen|cuentas|usuarios|personas|บัญชี|คน|ราย"
)
_AMOUNTS: Final = (
    rf"(?:{_MONEY})\.? ?{_GROUPED}(?![.,-]?\d)(?! \d)"
    rf"|(?<!\d[ ,()])(?<!-){_FEW} ?(?:{_MONEY}|{_COUNTED})(?![a-z])"
)
_HARMLESS: Final = re.compile(
    rf"(?<![a-z0-9+])(?<!\d[./-])(?:{_DATES}|{_CODES}|{_HEX}|{_VERSIONS}|{_AMOUNTS})"
)
BLANK: Final = "|"


def blanked(text: str) -> str:
    """Put blanks, as many characters as before, over what identifies nobody."""
    return _HARMLESS.sub(lambda found: BLANK * len(found[0]), text)
