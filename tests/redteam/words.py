"""Spellings of a value: how somebody who looks for it would look.

Written without `adapters.text`: what that overlooks should be found here.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

MIN_CHARS = 4
_MIN_ENCODED_CHARS = 10  # a shorter one stands somewhere by chance
_WORD = re.compile(r"[^\W_]+")
_FANGS = str.maketrans("", "", "[](){}<>\\\u00ad\u200b\u200c\u200d\ufeff")


def plainly(text: str) -> str:
    """Give the words alone, a space around each."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = folded.translate(_FANGS).replace("hxxp", "http")
    return f" {' '.join(_WORD.findall(folded))} "


def closely(text: str) -> str:
    """Give the letters and digits alone, as if a value was split."""
    return plainly(text).replace(" ", "")


def encodings(text: str) -> Iterator[tuple[str, str]]:
    """List spellings of *text* that are no words any more, each with its name."""
    raw = text.encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The first and last characters hold bits of the neighbours.
        core = whole[(shift * 8 + 5) // 6 : -1]
        yield "base64", core
        yield "base64url", core.translate(str.maketrans("+/", "-_"))
    yield "base32", base64.b32encode(raw).decode().rstrip("=")[:-1]
    yield "hex", raw.hex()
    yield "hex of utf-16", text.encode("utf-16-le").hex()
    yield "reversed", text[::-1]
    yield "url", "".join(f"%{byte:02x}" for byte in raw)
    escaped = quote(text, safe="")
    if escaped != text:
        yield "url", escaped
    yield "escapes", "".join(f"\\u{ord(c):04x}" for c in text)
    yield "spaced", " ".join(text)


def long_encodings(text: str) -> list[tuple[str, str]]:
    """List those that are long enough to be no accident."""
    return [(n, e) for n, e in encodings(text) if len(e) >= _MIN_ENCODED_CHARS]
