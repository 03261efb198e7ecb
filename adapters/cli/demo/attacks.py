"""The two attacks of the demo: a forged record, and a real one that was altered. Pure."""

import string
from collections.abc import Callable
from typing import Final

import msgspec

from broker import base64url, sdjwt, wire
from broker.blinding import BlindMap
from broker.bus import Message
from broker.errors import TrustError
from broker.signing import Address, FeedPosition, RecordSigner, random_uuid, sign
from broker.topology import ingress_key
from schemas.record import Draft
from schemas.stix.observables import DomainName

_BASE64URL: Final = [
    bytes([b]) for b in (string.ascii_letters + string.digits + "-_").encode()
]


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """What an attacker sends, and what must come of it.

    Attributes:
        tried: What was done, in plain words.
        reason: The code that the gate must refuse it with.
        token: As sent, not compressed.
    """

    name: str
    tried: str
    reason: str
    issuer: str
    message: Message
    token: bytes


class _Impostor:
    """Signs with one key and names another's owner."""

    def __init__(self, victim: RecordSigner, key: RecordSigner) -> None:
        self.org, self.kid, self.alg = victim.org, victim.kid, victim.alg
        self.sign = key.sign


def forge(
    draft: Draft,
    victim: RecordSigner,
    key: RecordSigner,
    *,
    address: Address,
    now: float,
    entropy: Callable[[int], bytes],
) -> Attack:
    """Sign another's record: complete and well-formed, only the key is *key*."""
    name = "False alarm: the sign-in pages are genuine"
    objects = list(draft.objects)
    objects[draft.primary] = msgspec.structs.replace(objects[draft.primary], name=name)
    forged = msgspec.structs.replace(draft, objects=tuple(objects))
    token = sign(
        forged,
        _Impostor(victim, key),
        blind_map=BlindMap(lambda: random_uuid(entropy), {}),
        now=int(now),
        entropy=entropy,
        address=address,
        position=FeedPosition(f"{victim.org}/main/forged", 1, ""),
    )
    return Attack(
        name="forged",
        tried=f'A record in the name of {victim.org}, "{name}", signed with '
        "somebody else's key.",
        reason="signature",
        issuer=victim.org,
        message=_message(token, draft, victim.org),
        token=token,
    )


def alter(token: bytes, draft: Draft, issuer: str) -> Attack:
    """Change one character of one disclosure, the first domain, of the real *token*."""
    domain = next(o.value for o in draft.objects if isinstance(o, DomainName))
    jwt, texts = sdjwt.split(token)
    place, text = next((i, t) for i, t in enumerate(texts) if _value(t)[1] == domain)
    texts[place], after = _altered(text)
    altered = b"~".join([jwt, *texts, b""])
    return Attack(
        name="altered",
        tried=f"A real record of {issuer} with a single letter changed on the way: "
        f"{domain} became {after}.",
        reason="unreferenced-disclosure",
        issuer=issuer,
        message=_message(altered, draft, issuer),
        token=altered,
    )


def _altered(text: bytes) -> tuple[bytes, str]:
    """Change one base64url character of *text*, and so one letter of its value."""
    salt, value = _value(text)
    for place in range(len(text)):
        for letter in _BASE64URL:
            changed = text[:place] + letter + text[place + 1 :]
            new_salt, new = _value(changed)
            if new_salt == salt and _letters_changed(value, new) == 1:
                return changed, new
    raise ValueError("no letter can be changed")


def _value(text: bytes) -> tuple[str, str]:
    """Read salt and text of a disclosure of a property `value`; "" for any other."""
    try:
        salt, name, value = msgspec.json.decode(
            base64url.decode(text), type=tuple[str, str, str]
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, TrustError):
        return "", ""
    return (salt, value) if name == "value" else ("", "")


def _letters_changed(before: str, after: str) -> int | None:
    """Count the letters that differ; None if not only small letters do."""
    if len(before) != len(after):
        return None
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    small = all(b in string.ascii_lowercase for _, b in pairs)
    return len(pairs) if small else None


def _message(token: bytes, draft: Draft, issuer: str) -> Message:
    return wire.pack(
        token,
        message_id=sdjwt.token_id(token),
        routing_key=ingress_key(issuer=issuer, kind=draft.kind, tlp=draft.tlp.label),
        user_id=issuer,
    )
