"""Good tokens bent: disclosures moved, bits flipped, texts spelled otherwise and signed.

Nothing here is made by the code under test.
"""

import json
from collections.abc import Iterator

from tests.support.bent_trees import SIGNERS
from tests.vectors.spelling import Bend, b64, full_of, joined, parted, sha, unb64


def bent_anyhow(token: bytes) -> Iterator[bytes]:
    """Disclosures dropped, doubled, moved, cut short; a bit of each region flipped."""
    jwt, texts = parted(token)
    for i, text in enumerate(texts):
        rest = texts[:i] + texts[i + 1 :]
        for more in ([], [text, text], [text[:-1]], [text + b"A"], [b""]):
            yield joined(jwt, [*rest[:i], *more, *rest[i:]])
        yield joined(jwt, [text, *rest])
    yield from (token[:-1], token + b"~", joined(jwt, texts[::-1]))
    starts = [0, *(i + 1 for i, byte in enumerate(token) if byte in b".~")]
    for start in starts[:-1]:
        for at in (start, start + 1, (start + token.find(b"~", start)) // 2):
            for bit in range(8):
                flipped = token[at] ^ (1 << bit)
                yield token[:at] + bytes([flipped]) + token[at + 1 :]


TEXT_BENDS: list[Bend] = [
    lambda text: text + b"=" * (-len(text) % 4 or 4),
    lambda text: text[:-1] + bytes([text[-1] + 1]),
    lambda text: text + b"\n",
    lambda text: text.replace(b"-", b"+").replace(b"_", b"/"),
    lambda text: text[:8] + b"." + text[8:],
]
JSON_BENDS: list[Bend] = [
    lambda text: b" \t\r\n" + text.replace(b",", b" , ") + b"\n",
    lambda text: json.dumps(json.loads(text)).encode(),
    lambda text: text.replace(b"e", rb"\u0065"),
    lambda text: text.replace(b"/", rb"\/"),
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: b"\x0b" + text,
    lambda text: text + b"\0",
    lambda text: text + b"]",
    lambda text: text.replace(b"]", b",]"),
    lambda text: text[:-1] + b",0]",
    lambda text: text[:-1] + b",NaN]",
    lambda text: text[:-1] + b",1E999]",
    lambda text: text[:-1] + b",01]",
    lambda text: text[:-1] + b",-0]",
    lambda text: b"[%s]" % text,
    lambda text: text.decode().encode("utf-16"),
    lambda text: text.decode().encode("utf-8")[:-2] + b"\xff" + text[-2:],
    lambda text: text.replace(b'["', rb'["\ud800'),
    lambda text: text.replace(b'["', rb'["\udc00\ud800'),
    lambda text: text.replace(b'["', rb'["\ud83d\ude00'),
    lambda text: text.replace(b'["', b'["\xed\xa0\x80'),
    lambda text: text.replace(b'["', b'["\x7f'),
    lambda text: text.replace(b'["', b'["\x1f'),
    lambda text: text.replace(b'["', rb'["\u0000'),
    lambda text: text.replace(b'["', rb'["\u00'),
    lambda text: text.replace(b'["', rb'["\x'),
    lambda text: text.replace(b"{", b'{"x":1,"\\u0078":2,'),
    lambda text: text.replace(b"{", b'{"type":1,'),
    lambda text: b'["%s"%s' % (b"s" * 21, text[text.index(b'"', 2) + 1 :]),
    lambda text: b'["%s"%s' % (rb"\ud83d\ude00" * 11, text[text.index(b'"', 2) + 1 :]),
    lambda text: b'["%s"%s' % (b"s" * 99, text[text.index(b'"', 2) + 1 :]),
    lambda text: b"[1%s" % text[text.index(b'"', 2) + 1 :],
    lambda text: b'{"0":%s}' % text,
    lambda text: b"null",
    lambda text: b"[]",
]


def respelled(token: bytes) -> Iterator[bytes]:
    """Each disclosure and the payload spelled otherwise, digests and signature right."""
    jwt, texts = parted(token)
    bends = [*TEXT_BENDS, *(lambda text, b=b: b64(b(unb64(text))) for b in JSON_BENDS)]
    for bend in bends:
        header, payload, _ = jwt.split(b".")
        yield signed_again(header, bend(payload), texts)
        for i, text in enumerate(texts):
            yield with_text(token, i, bend(text))


def with_text(token: bytes, index: int, text: bytes) -> bytes:
    """Put another text in the place of a disclosure, and its digest for the old one."""
    jwt, texts = parted(token)
    header, payload, _ = jwt.split(b".")
    whole, plain = full_of(texts), [unb64(each) for each in texts]
    bare: bytes | None = None
    while bare is None:
        old, new = sha(texts[index]).encode(), sha(text).encode()
        texts[index] = text
        index = next((i for i, each in enumerate(plain) if old in each), -1)
        if index < 0:
            bare = unb64(payload).replace(old, new)
        else:
            text = b64(plain[index].replace(old, new))
    full = full_of(texts)
    return signed_again(header, b64(bare.replace(whole.encode(), full.encode())), texts)


def signed_again(header: bytes, payload: bytes, texts: list[bytes]) -> bytes:
    key = SIGNERS[json.loads(unb64(header))["kid"]]
    signed = header + b"." + payload
    return joined(signed + b"." + b64(key.sign(signed)), texts)
