"""Heads of the gate's chain that others hold: what they contradict, what they prove. Pure.

A head fixes all that is under it: it names the link of the last stamp, which names the
one before, and so on. So who held a head before something happened needs to trust
nobody about what was under it then, not even the gate whose key was stolen since:

- two statements that give one place two links are a *fork*, and prove it to anybody;
- a *path*, the stamps from a record's up to the one that a held head names, proves that
  the record was there when the head was held. Without it only a head at the very place
  of the record does: links are hashes over all of a stamp, so there is no shorter way.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from broker import base64url, disclosures, receipts, sdjwt, seen
from broker.directory import Directory
from broker.errors import TrustError
from broker.seen import Head, Stamp
from schemas import codec
from schemas.errors import RefusedError

MAX_PATH: Final = 100_000  # stamps: three hours at ten records a second
MAX_PROOF_BYTES: Final = 64 << 20
_FRAME_VALUES: Final = 100  # of a proof, beside its path
# A clock that was set right does not make a liar of the gate.
_CLOCK_S: Final = 120

_Text = Annotated[str, Meta(max_length=receipts.MAX_BYTES)]


class Held(msgspec.Struct, frozen=True):
    """A head that somebody keeps.

    Attributes:
        text: The JWS.
        since: When it was first kept, epoch seconds, by the clock of who keeps it.
    """

    text: str
    since: int
    head: Head


class Statement(msgspec.Struct, frozen=True):
    """What a key of the hub signed about one place of the chain.

    Attributes:
        at: Epoch seconds.
        is_head: Else it is a receipt.
    """

    text: str
    at: int
    pos: int
    link: str
    is_head: bool


class Fork(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag="tocsin-fork",
    tag_field="type",
):
    """Two statements that cannot both be true; `check` shows it to anybody.

    Attributes:
        statements: Each a head or a receipt, as signed.
        path: If not empty: stamps (`header.payload`) that the second, a head, has under
            it, one of them at the place of the first.
    """

    statements: tuple[_Text, _Text]
    path: Annotated[tuple[_Text, ...], Meta(max_length=MAX_PATH)] = ()


# --------------------------------------------------------------------- statements


def statements_of(
    text: str, directory: Directory, *, now: float, as_signed: bool = False
) -> list[Statement]:
    """Verify a head or a receipt, and give what they say; a receipt passes on a head.

    Args:
        now: Epoch seconds.
        as_signed: As in `seen.verify_head`.

    Raises:
        TrustError: It is neither, or does not verify.
    """
    if not _is_receipt(text):
        head = seen.verify_head(text, directory, now=now, as_signed=as_signed)
        return [_of_head(text, head)]
    found = receipts.verify(text.encode(), directory, now=now, as_signed=as_signed)
    place = found.chain
    said = [Statement(text, found.iat, place.pos, place.link, is_head=False)]
    if isinstance(found.head, str):
        head = seen.verify_head(found.head, directory, now=now, as_signed=as_signed)
        said.append(_of_head(found.head, head))
    return said


def _of_head(text: str, head: Head) -> Statement:
    return Statement(text, head.at, head.pos, head.link, is_head=True)


def contradiction(said: Iterable[Statement]) -> tuple[Statement, Statement] | None:
    """Find two statements that cannot both be true.

    One place has two links; or a later head reaches less far than an earlier one.
    """
    at_place: dict[int, Statement] = {}
    furthest: Statement | None = None
    for each in sorted(said, key=lambda one: one.at):
        other = at_place.setdefault(each.pos, each)
        if other.link != each.link:
            return other, each
        if not each.is_head:
            continue
        if furthest is None or each.pos >= furthest.pos:
            furthest = each
        elif each.at > furthest.at + _CLOCK_S:
            return furthest, each
    return None


# -------------------------------------------------------------------------- paths


def under(head: Head, path: Sequence[bytes]) -> tuple[Stamp, ...]:
    """Follow *path* down from *head*: what is not as the head fixes it is refused.

    Args:
        path: `header.payload` of stamps, in the order of the chain, the last the one
            that *head* names.

    Raises:
        TrustError: `not-under-head`.
    """
    if not 0 < len(path) <= MAX_PATH:
        raise TrustError("not-under-head")
    stamps: list[Stamp] = []
    pos, link = head.pos, head.link
    for signed in reversed(path):
        try:
            stamp = seen.stamp_of(link, signed)
        except TrustError:
            raise TrustError("not-under-head") from None
        if stamp.pos != pos:
            raise TrustError("not-under-head")
        stamps.append(stamp)
        pos, link = pos - 1, stamp.prev
    return tuple(reversed(stamps))


def held_since(token: str, held: Iterable[Held], path: Sequence[bytes]) -> Held:
    """Find the head, of those held, that first fixed a record's place.

    Args:
        token: Token id.
        path: From the stamp of this token on, as for `under`; it may go beyond the
            head that is found.

    Raises:
        TrustError: `not-under-head`: none does.
    """
    places = {sdjwt.digest(signed): end for end, signed in enumerate(path, 1)}
    for each in sorted(held, key=lambda one: one.since):
        if each.head.link in places:
            stamps = under(each.head, path[: places[each.head.link]])
            if stamps[0].token != token:
                break  # so it is under every other head
            return each
    raise TrustError("not-under-head")


# -------------------------------------------------------------------------- forks


def fork_between(
    mine: Iterable[Held], theirs: Sequence[Held], path: Sequence[bytes]
) -> Fork | None:
    """Find what two parties hold that cannot both be true.

    Args:
        path: Leads to one of *theirs* from further down, or is empty: then only places
            that both hold a head of can be compared.

    Raises:
        TrustError: `not-under-head`: the path leads to none of *theirs*.
    """
    held = list(mine)
    found = contradiction([statement_of(each) for each in (*held, *theirs)])
    if found is not None:
        return Fork((found[0].text, found[1].text))
    if not path:
        return None
    end = sdjwt.digest(path[-1])
    for other in theirs:
        if other.head.link == end:
            return _on_path(held, other, path)
    raise TrustError("not-under-head")


def _on_path(held: Iterable[Held], other: Held, path: Sequence[bytes]) -> Fork | None:
    links = {stamp.pos: stamp.link for stamp in under(other.head, path)}
    for each in held:
        if links.get(each.head.pos, each.head.link) != each.head.link:
            texts = tuple(signed.decode() for signed in path)
            return Fork((each.text, other.text), texts)
    return None


def statement_of(held: Held) -> Statement:
    """Give what a head that is held says."""
    return _of_head(held.text, held.head)


def decode_fork(data: bytes) -> Fork:
    """Read a file that is to prove a fork.

    Raises:
        TrustError: `fork-invalid`.
    """
    try:
        # So many bytes of lists in lists would take gigabytes; texts have no commas.
        disclosures.Budget(MAX_PATH + _FRAME_VALUES).spend(data)
        value = codec.decode_json(data, max_bytes=MAX_PROOF_BYTES)
        return msgspec.convert(value, Fork)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("fork-invalid") from None


def check(
    fork: Fork, directory: Directory, *, now: float
) -> tuple[Statement, Statement]:
    """Check, as anybody may, that keys of the hub signed what cannot both be true.

    Args:
        now: Epoch seconds.

    Raises:
        TrustError: `fork-invalid`: it proves nothing.
    """
    try:
        # Of a receipt only what it says itself: its head is a statement of its own.
        one, other = (
            statements_of(text, directory, now=now, as_signed=True)[0]
            for text in fork.statements
        )
        path = [text.encode() for text in fork.path]
        stamps = under(Head(other.at, other.pos, other.link), path) if path else ()
    except (TrustError, UnicodeEncodeError):
        raise TrustError("fork-invalid") from None
    links = {stamp.pos: stamp.link for stamp in stamps}
    # What stands on the path counts only under a head: a receipt names one place.
    differs = other.is_head and links.get(one.pos, one.link) != one.link
    if not differs and contradiction([one, other]) is None:
        raise TrustError("fork-invalid")
    return one, other


def _is_receipt(text: str) -> bool:
    """Tell by its header, which is not verified yet."""
    if not text.isascii():
        return False
    try:
        header = base64url.decode(text.partition(".")[0].encode())
        value = codec.decode_json(header, max_bytes=seen.MAX_CHARS)
    except RefusedError:
        return False
    return isinstance(value, dict) and value.get("typ") == receipts.TYP
