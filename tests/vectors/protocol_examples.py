"""The parts of docs/protocol.md that are made: its tables and its worked example.

    python -m tests.vectors.protocol_examples

writes them anew between their markers. Keys and salts come from fixed seeds, so the
same code gives the same page; `tests/broker/test_protocol.py` looks.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from broker import base64url, sdjwt, seen, trust
from broker.directory import Directory, Service, build
from broker.signing import FeedPosition
from schemas import coarse, markings, profile, protection, stix
from schemas.record import natural_kind
from tests.support import records
from tests.vectors.spelling import full_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "protocol.md"
WIDTH: Final = 124

_BLOCK = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SEGMENT: Final = 1  # withheld in the example
HUB: Final = records.signer("hub")
INCIDENT: Final[dict[str, Any]] = {
    "type": "incident",
    "spec_version": "2.1",
    "id": records.an_id("incident"),
    "created": records.MODIFIED,
    "modified": records.MODIFIED,
    "name": "A voter register was copied",
    "description": "A copy of the voter register is for sale. "
    "The clerk Alma Example had lost her password. "
    "The register has been closed since noon.",
    "lang": "en",
    "object_marking_refs": [markings.TLP_IDS[markings.Tlp.GREEN]],
}
POSITION: Final = FeedPosition("cert-aq/main/epoch1", 1, "")

# ---------------------------------------------------------------- the example


def directory() -> Directory:
    """One member, and the hub as the gate."""
    hub = Service(
        org="hub", name="Hub", services=("gate",), keys=(records.key_entry(HUB),)
    )
    return build([records.member()], [hub])


def token() -> bytes:
    """The whole record."""
    return records.token(records.draft(INCIDENT), position=POSITION)


def verified(text: bytes) -> trust.Verified:
    return trust.verify(text, directory(), now=records.NOW)


def redacted() -> bytes:
    """Without place in the feed, name, and the second sentence."""
    found = verified(token())
    here = ("stix", "objects", 0)
    gone = {
        ("feed",), ("seq",), ("prev",),
        (*here, "name"), (*here, "description", _SEGMENT),
    }  # fmt: skip
    kept = [
        index
        for index, each in enumerate(found.opened.disclosures)
        if each.path not in gone
    ]
    return sdjwt.withhold(found.opened, kept)


def outcome(text: bytes) -> dict[str, Any]:
    """What a verifier says of a good token."""
    found = verified(text)
    return {
        "issuer": found.issuer,
        "kid": found.kid,
        "token_id": found.token_id,
        "complete": found.complete,
        "withheld": found.withheld,
        "claims": {k: v for k, v in found.opened.claims.items() if k != "stix"},
        "objects": list(found.plain),
    }


def stamp() -> str:
    return seen.make_stamp(
        HUB,
        token_id=sdjwt.token_id(token()),
        seen=records.NOW + 5,
        pos=1,
        prev="",
    )


def _start() -> str:
    """The key, the object, one of its disclosures."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": records.CERT.jwk.x}
    [text] = [
        each.text
        for each in verified(token()).opened.disclosures
        if each.path[-1:] == ("name",)
    ]
    lines = [
        f"private key  {hashlib.sha256(b'cert-aq').hexdigest()} (SHA-256 of `cert-aq`)",
        f"public key   {_compact(jwk)}",
        f"kid          {records.CERT.kid}",
        "",
        _broken(_compact(INCIDENT)),
        "",
        f"disclosure   {base64url.decode(text).decode()}",
        f"as text      {text.decode()}",
        f"digest       {sdjwt.digest(text)}",
    ]
    return _code("\n".join(lines), "")


def _signed() -> str:
    jwt, *texts = token().split(b"~")[:-1]
    signing_input, _, _ = jwt.rpartition(b".")
    header, payload = map(base64url.decode, signing_input.split(b"."))
    hashed = hashlib.sha256(signing_input)
    sums = [
        f"signing input     {len(signing_input)} characters, header.payload in base64url",
        f"its SHA-256, hex  {hashed.hexdigest()}",
        f"token id          {base64url.encode(hashed.digest()).decode()}",
        f"full              {full_of(texts)}, of {len(texts)} disclosures",
    ]
    parts = _code(f"{header.decode()}\n\n{_broken(payload.decode())}")
    return parts + "\n\n" + _code("\n".join(sums), "")


def _folded(text: bytes) -> str:
    """Break lines after each `~` and at `WIDTH`."""
    lines = []
    for part in re.findall(r"[^~]*~", text.decode()):
        lines += [part[i : i + WIDTH] for i in range(0, len(part), WIDTH)]
    return "\n".join(lines)


def _cut() -> str:
    _, disclosures = redacted().decode().split("~", 1)
    return _code("…~\n" + _folded(disclosures.encode()), "")


def _stamp() -> str:
    text = stamp()
    header, payload, _ = text.encode().split(b".")
    lines = [
        base64url.decode(header).decode(),
        base64url.decode(payload).decode(),
        "",
        *(text[i : i + WIDTH] for i in range(0, len(text), WIDTH)),
        "",
        f"link  {seen.link_of(text)}",
    ]
    return _code("\n".join(lines), "")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _broken(text: str) -> str:
    """Break a JSON text after commas; without the breaks it is the text again."""
    lines = [""]
    for part in re.findall(r".*?,(?=[\"{])|.+", text):
        if len(lines[-1]) + len(part) > WIDTH and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


# ----------------------------------------------------------------- the tables


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _table(head: str, rows: list[str]) -> str:
    ruler = "|---" * (head.count("|") - 1) + "|"
    return "\n".join([head, ruler, *rows])


def _visible() -> str:
    always = profile.visible("", primary=False, own=False)
    rows = [f"| every object | {_names(always)} |"]
    for kind in sorted(stix.TYPES):
        own = profile.visible(kind, primary=False, own=False) - always
        if own:
            rows.append(f"| `{kind}` | {_names(own)} |")
    primary = profile.visible("", primary=True, own=False) - always
    of_issuer = profile.visible("", primary=False, own=True) - always
    rows.append(f"| the primary object, `id` = `sub` | {_names(primary)} |")
    rows.append(f"| where it is the issuer's identity id | {_names(of_issuer)} |")
    return _table("| of | always visible, never a disclosure |", rows)


def _extensions() -> str:
    keys: dict[str, list[str]] = {}
    for key in profile.EXTENSION_ALIASES:
        keys.setdefault(_names(profile.visible_in_extension(key)), []).append(key)
    rows = []
    for names, found in keys.items():
        aliases = [_alias(key) for key in found]
        rows.append(f"| {', '.join(aliases)} | {names} |")
    return _table("| keys in `extensions` | always visible in it |", rows)


def _alias(key: str) -> str:
    alias = profile.EXTENSION_ALIASES[key]
    return f"`{key}`" if alias == key else f"`{key}` ({alias})"


def _forms() -> str:
    by_form = {form: [name] for name, form in profile._PATTERNS.items()}
    own = set().union(*profile._BY_TYPE.values()) - profile._OTHER_TYPES
    by_form[profile.TERM_PATTERN] = list(own - profile._PATTERNS.keys())
    words = map(profile.visible_in_extension, profile.EXTENSION_ALIASES)
    by_form[profile._WORD.pattern] = list(set().union(*words))
    rows = [f"| {_names(names)} | `{form}` |" for form, names in by_form.items()]
    return _table("| always visible | form of the string |", rows)


def _kinds() -> str:
    by_kind: dict[str, list[str]] = {}
    for each in sorted(stix.TYPES):
        kind = natural_kind(f"{each}--")
        if kind is not None:
            by_kind.setdefault(kind, []).append(each)
    rows = [f"| `{kind}` | {_names(types)} |" for kind, types in by_kind.items()]
    rows.append("| `correction`, `retraction` | any of these |")
    return _table("| `kind` | type of the primary object, the prefix of `sub` |", rows)


def _tlp() -> str:
    known = markings._KNOWN
    rows = [
        f"| `{tlp.label}` | "
        + ", ".join(
            f"`{ref.removeprefix('marking-definition--')}`"
            for ref, meant in known.items()
            if meant is tlp
        )
        + " |"
        for tlp in markings.Tlp
    ]
    return _table("| TLP | UUIDs after `marking-definition--` |", rows)


def _protections() -> str:
    rows = [
        f"| `protect:{group}` | `{ref.removeprefix('marking-definition--')}` | {who} |"
        for ref, group in protection.PROTECTION_IDS.items()
        for who in [_PROTECTED[group]]
    ]
    return _table("| label | UUID after `marking-definition--` | whom |", rows)


_PROTECTED: Final = {
    protection.Group.MINORS: "children and young people",
    protection.Group.SURVIVORS: "survivors of gender-based violence",
    protection.Group.DEFENDERS: "defenders of human rights, the journalists and "
    "witnesses beside them",
}


def made() -> dict[str, str]:
    """Give each made part of the page by its name."""
    return {
        "kinds": _kinds(),
        "visible": _visible(),
        "forms": _forms(),
        "texts": _names(profile._TEXT),
        "split": _names(profile._SPLIT),
        "extensions": _extensions(),
        "tlp": _tlp(),
        "protections": _protections(),
        "coarse-times": _names(coarse.TIMES),
        "start": _start(),
        "signed": _signed(),
        "token": _code(_folded(token()), ""),
        "cut": _cut(),
        "outcome": _code(
            _broken(json.dumps(outcome(redacted()), separators=(",", ":")))
        ),
        "stamp": _stamp(),
    }


def _code(text: str, language: str = "json") -> str:
    return f"```{language}\n{text}\n```"


def rewritten(page: str) -> str:
    """Give the page with all that is made made anew.

    Raises:
        KeyError: A marker names nothing that is made here.
    """
    parts = made()
    return _BLOCK.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", page)


def names_in(page: str) -> list[str]:
    """List the made parts that the page has a place for."""
    return [found[2] for found in _BLOCK.finditer(page)]


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
