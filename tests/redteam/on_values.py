"""Attacks on values: does it stand somewhere, in any spelling?"""

from collections.abc import Iterator

from adapters.guard import Context, context_of
from broker import trust
from broker.blinding import org_identity
from schemas import profile
from schemas.errors import RefusedError
from tests.redteam.words import MIN_CHARS, closely, long_encodings, plainly
from tests.redteam.world import (
    KNOWN,
    Case,
    Got,
    Hit,
    Secret,
    Version,
    leaves,
    withheld,
)
from tests.support.views import NOW

_CONTACT = {"contact_information", "first_name", "middle_name", "last_name"}
# Who is meant by a record and must not be: DESIGN.md, section 7, on the guard.
PERSONAL = {
    "channel": {"name", "aliases"},
    "email-addr": {"value", "display_name"},
    "identity": {"name"} | _CONTACT,
    "location": {"street_address", "city", "postal_code"},
    "media-content": {"url", "title"},
    "note": {"authors"},
    "opinion": {"authors"},
    "threat-actor": {"name", "aliases"},
    "user-account": {"account_login", "user_id", "display_name"},
    "ipv4-addr": {"value"},
    "ipv6-addr": {"value"},
    "domain-name": {"value"},
    "url": {"value"},
}
# An attacker's address names nobody: it may stand elsewhere (DESIGN.md, section 7).
_NETWORKED = {"ipv4-addr", "ipv6-addr", "domain-name", "url", "media-content"}
_MIN_SPLIT_CHARS = 10
_OPERATIONS = {"campaign", "intrusion-set", "malware"}


def personal(version: Version, got: Got) -> Iterator[tuple[Secret, str]]:
    """List what would name somebody and was withheld from this member."""
    whole = version.whole
    operations = {
        plainly(str(o.get("name", ""))) for o in whole.plain if o["type"] in _OPERATIONS
    }
    issuer = {org_identity(whole.issuer)}
    for secret in withheld(version, got):
        plain = whole.plain[secret.index]
        if (
            secret.place[-1] not in PERSONAL.get(secret.kind, ())
            or plain["id"] in issuer
            or plain.get("identity_class") == "class"
        ):
            continue
        for text in leaves(secret.value):
            if len(text) >= MIN_CHARS and plainly(text) not in operations:
                yield secret, text


def places(got: Got) -> Iterator[tuple[Context, str, str]]:
    """List all that a member reads: where it stands, the place, the words."""
    for plain in (*got.opened.plain, *got.bundle):
        kind = str(plain["type"])
        for place, value in profile.places(plain.items()):
            visible = profile.is_visible(place, kind, primary=False)
            context = context_of(kind, place, visible=visible)
            yield context, f"{kind}.{profile.spell(place)}", "\n".join(leaves(value))
    claims = got.opened.claims
    yield (
        Context.TEXT,
        "claims",
        " ".join([*claims.countries, *claims.sectors, *claims.languages, *claims.aud]),
    )


def standing(case: Case) -> Iterator[Hit]:
    """Look for names and addresses that were withheld, in every word a member reads."""
    for version in case.versions:
        for got in version.got:
            read = [(c, where, plainly(text)) for c, where, text in places(got)]
            looked: set[tuple[str, bool]] = set()
            for secret, text in personal(version, got):
                networked = secret.kind in _NETWORKED
                word = plainly(text)
                if (word, networked) in looked or len(word) < MIN_CHARS + 2:
                    continue
                looked.add((word, networked))
                for context, where, words in read:
                    if word in words:
                        leak = {
                            Context.TEXT: "values.standing",
                            Context.CODE: "values.in-code",
                            Context.VOCABULARY: "values.in-vocabulary",
                        }[context]
                        yield case.hit(leak, f"{secret.spelled} in {where}")


def encoded(case: Case) -> Iterator[Hit]:
    """Look for the same values written as base64, hex, URL, reversed or split."""
    for version in case.versions:
        for got in version.got:
            raw = (got.evidence + got.projection + got.receipt).decode("latin-1")
            read = got.words
            folded, plain, close = read.casefold(), plainly(read), closely(read)
            looked: set[str] = set()
            for secret, text in personal(version, got):
                if text in looked or secret.kind in _NETWORKED:
                    continue
                looked.add(text)
                if plainly(text) in plain:
                    continue  # `standing` says where
                for name, form in long_encodings(text):
                    if form in read or form in raw or form.casefold() in folded:
                        yield case.hit("values.encoded", f"{secret.spelled} as {name}")
                joined = closely(text)
                if len(joined) >= _MIN_SPLIT_CHARS and joined in close:
                    yield case.hit("values.encoded", f"{secret.spelled} split")


def around(case: Case) -> Iterator[Hit]:
    """Look in what is beside the copies: delivery rows, receipts, logs, errors."""
    for version in case.versions:
        for got in version.got:
            beside = plainly("\n".join([got.about, *leaves(got.account), case.said]))
            for secret, text in personal(version, got):
                word = plainly(text)
                if len(word) >= MIN_CHARS + 2 and word in beside:
                    yield case.hit("values.around", f"{secret.spelled}")


def objects_named(case: Case) -> Iterator[Hit]:
    """Look for the id of an object that was withheld, in every copy."""
    for version in case.versions:
        ids = {str(o["id"]) for o in version.whole.plain}
        for got in version.got:
            has = {o.id for o in got.opened.objects}
            for lost in ids - has:
                # MISP gives one number to an indicator and to what was observed.
                if lost in got.words:
                    yield case.hit("ids.withheld-named", lost.rpartition("--")[0])


def errors(case: Case) -> Iterator[Hit]:
    """Break a token in many ways, and read what the verifier says of it."""
    for version in case.versions[:1]:
        if not version.got:
            continue
        names = {plainly(t) for g in version.got for _, t in personal(version, g)}
        for broken in _broken(version.token):
            try:
                trust.verify(broken, KNOWN, now=NOW)
            except RefusedError as error:
                said = plainly(f"{error!r} {error} {vars(error)}")
                if any(word in said for word in names if len(word) > MIN_CHARS + 1):
                    yield case.hit("values.error", type(error).__name__)


def _broken(token: bytes) -> Iterator[bytes]:
    jwt, *texts = token.split(b"~")[:-1]
    yield token[:-1]
    for text in texts[:: max(1, len(texts) // 12)]:
        # Twice, cut short, with another value.
        yield b"~".join([jwt, *texts, text, b""])
        yield b"~".join([jwt, *texts, text[:-3], b""])
        yield token.replace(text, text[:-8] + text[-4:] + text[-8:-4])


ALL = (standing, encoded, around, objects_named, errors)
