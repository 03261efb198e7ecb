"""Check digits of identity numbers that `stdnum` does not know. Pure.

Each takes the bare number, letters in upper case, its shape already checked.
"""

from typing import Final

from stdnum import luhn, verhoeff

# Singapore: the check letters by remainder, and what the first letter adds.
_SG_WEIGHTS: Final = (2, 7, 6, 5, 4, 3, 2)
_SG_OFFSET: Final = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}
_SG_CITIZENS: Final = "JZIHGFEDCBA"
_SG_FOREIGNERS: Final = "XWUTRQPNMLK"
_SG_SINCE_2022: Final = "XWUTRQPNJLK"

# Vietnam, circular 59/2021/TT-BCA, annex 1: codes of the provinces.
_VN_PROVINCES: Final = frozenset(
    {
        1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33,
        34, 35, 36, 37, 38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64,
        66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94,
        95, 96,
    }
)  # fmt: skip


def is_singapore_nric(number: str) -> bool:
    """Check the letter at the end of an NRIC or FIN: of citizens, of foreigners."""
    series = number[0]
    total = _SG_OFFSET[series] + _weighted(number[1:8], _SG_WEIGHTS)
    letters = {"S": _SG_CITIZENS, "T": _SG_CITIZENS, "M": _SG_SINCE_2022}
    return letters.get(series, _SG_FOREIGNERS)[total % 11] == number[8]


def is_vietnam_cccd(number: str) -> bool:
    """Check the province; there is no check digit."""
    return int(number[:3]) in _VN_PROVINCES


def is_luxembourg_matricule(number: str) -> bool:
    """Check both digits at the end, each made over the eleven before them."""
    body, first, second = number[:11], number[11], number[12]
    return luhn.is_valid(body + first) and verhoeff.is_valid(body + second)


def is_hungary_personal(number: str) -> bool:
    """Check a personal number: the weights go up before 1997, and down since."""
    digits = number[:10]
    up, down = range(1, 11), range(10, 0, -1)
    return int(number[10]) in (
        _weighted(digits, up) % 11,
        _weighted(digits, down) % 11,
    )


def is_hungary_tax(number: str) -> bool:
    """Check a tax number of a person."""
    return _weighted(number[:9], range(1, 10)) % 11 == int(number[9])


def is_hungary_taj(number: str) -> bool:
    """Check a number of the social insurance."""
    return _weighted(number[:8], (3, 7) * 4) % 10 == int(number[8])


def _weighted(digits: str, weights: tuple[int, ...] | range) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True))
