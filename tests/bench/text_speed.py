"""Looking for personal data in free text, on text that is rich in digits."""
# ruff: noqa: RUF001  digits of all scripts

import random
import re
from functools import partial

from adapters import personal_data
from adapters.text import normalise
from tests.bench.rounds import Report, Row, middle, side_by_side

CHARS = 300_000
ANCHOR, SCAN = "normalise", r"bare scan for \d{7,}"
ALONE = "normalise the same"
_SCAN = re.compile(r"\d{7,}")
# Invented; the phones are of ranges for fiction where a country has any.
_SENTENCES = (
    "The operator signed in with a stolen password and read 48,217 records.",
    "Pelaku memakai nomor +62 812-0000-{n4} dan 1.200.000 akun palsu.",
    "Der Angreifer rief um {h}:{m} von 030/2312{n4} an; siehe CVE-2026-{n5}.",
    "ผู้โจมตีส่งข้อความจาก ๐๘๑-๐๐๐-{n4} ถึงผู้ใช้ {n3} คน",
    "Kẻ tấn công dùng số 0900 000 {n3} để lừa {n3} người.",
    "အကောင့် {n3} ခုကို ၂၀၂၆ ခုနှစ်တွင် ဖျက်ခဲ့သည်။",
    "Контакт: analyst{n3}@cert.example, KB50{n5}, T1566.002.",
    "Victim id {n4}{n4}{n4}{n4}, card 4000 00{n2} {n4} {n4}, case #{n5}.",
    "Seen from 2001:db8:{x4}::{x4} and 198.51.100.{b}, version 10.0.{n5}.{n3}.",
)


def digit_rich(chars: int, *, seed: int = 7) -> str:
    """Make a text of log lines and sentences in eight languages: a sixth is digits."""
    luck = random.Random(seed)  # noqa: S311  the same text every time
    lines: list[str] = []
    size = 0
    while size < chars:
        line = _log_line(luck) if luck.random() < 0.5 else _sentence(luck)
        lines.append(line)
        size += len(line) + 1
    return "\n".join(lines)


def numbers_alone(chars: int, *, seed: int = 7) -> str:
    """Make a list of eleven digits each: the most that there is to look at."""
    luck = random.Random(seed)  # noqa: S311  the same text every time
    return ", ".join(f"{luck.randrange(10**11):011}" for _ in range(chars // 13))


def _log_line(luck: random.Random) -> str:
    return (
        f"2026-{luck.randint(1, 12):02}-{luck.randint(1, 28):02}T{luck.randint(0, 23):02}:"
        f"{luck.randint(0, 59):02}:{luck.randint(0, 59):02}.{luck.randint(0, 999):03}Z "
        f"host{luck.randint(1, 99)} sshd[{luck.randint(100, 99999)}]: refused "
        f"203.0.113.{luck.randint(1, 254)} port {luck.randint(1024, 65535)} "
        f"sha256={luck.getrandbits(256):064x} size={luck.randint(10, 10**7)}"
    )


def _sentence(luck: random.Random) -> str:
    return luck.choice(_SENTENCES).format(
        n2=f"{luck.randint(0, 99):02}",
        n3=f"{luck.randint(100, 999)}",
        n4=f"{luck.randint(0, 9999):04}",
        n5=f"{luck.randint(10000, 99999)}",
        x4=f"{luck.randint(1, 65535):x}",
        b=luck.randint(1, 254),
        h=f"{luck.randint(0, 23):02}",
        m=f"{luck.randint(0, 59):02}",
    )


def measure(*, quick: bool) -> Report:
    text = digit_rich(CHARS // 10 if quick else CHARS)
    lines = text.split("\n")
    listed = numbers_alone(len(text) // 10)
    parts = [line + "\n" for line in lines]
    found = side_by_side(
        {
            ANCHOR: partial(normalise, text),
            SCAN: lambda: _SCAN.findall(text),
            "found_in, one part": lambda: personal_data.found_in([text]),
            "found_in, a part a line": lambda: personal_data.found_in(parts),
            ALONE: partial(normalise, listed),
            "found_in, numbers alone": lambda: personal_data.found_in([listed]),
            "holds_any, line by line": lambda: [*map(personal_data.holds_any, lines)],
        },
        2 if quick else 9,
    )
    sizes = dict.fromkeys(found, len(text.encode()))
    sizes["found_in, numbers alone"] = len(listed)
    rows = tuple(
        Row(
            f"`{name}`", anchor, found[name], found[anchor],
            note=f"{sizes[name] / middle(found[name]) / 1e6:.2f} MB/s",
        )
        for name in found
        if name not in (ANCHOR, SCAN, ALONE)
        for anchor in ((ALONE,) if "alone" in name else (ANCHOR, SCAN))
    )  # fmt: skip
    held = len(personal_data.found_in(parts))
    digits = sum(map(str.isdigit, text))
    return Report(
        "text: looking for personal data",
        f"Processor time over one text of {sizes[ANCHOR]:,} bytes, {len(text):,} characters, of "
        f"them {digits:,} digits: log lines with times, addresses, hashes; sentences in "
        "eight languages with phones, identity numbers, cards, mail addresses. "
        "Numbers alone: eleven random digits each, for which ten countries are asked. "
        f"{ANCHOR}: `text.normalise` of the same text, which is done in any case.",
        rows,
        (f"{held:,} of {len(parts):,} lines hold something.",),
    )
