"""Attacks by a member that publishes: its own records as questions about others'."""

import random
from collections.abc import Iterator
from statistics import mean

from adapters.projection import EXTENSION_ID
from broker.wire import pack
from tests.redteam.on_ids import evidence_ids
from tests.redteam.on_pseudonyms import pseudonyms
from tests.redteam.scenes import version
from tests.redteam.world import Case, Hit, Version
from tests.support.views import INCIDENT, new

WRONG = ("Ilvara Tamcott", "Orsola Quenby", "Hesper Loy", "Jan Kowal")
# Sizes vary with the salts, by eight bytes or so; this many records even it out.
_ROUNDS, _NOISE_BYTES = 24, 4


def _probe(name: str, number: int = 900, *more: dict[str, object]) -> Version:
    """Publish a guess: in a text, and as somebody's name."""
    case = new("incident", "A question", description=f"{name} was asked. So it is.")
    person = new("identity", name)
    return version([case, person, *more], issuer="platform-lumen", number=number,
                   primary=case["id"])  # fmt: skip


def _victims(case: Case) -> list[str]:
    return [
        str(plain["name"])
        for plain in case.versions[0].whole.plain
        if plain["type"] == "identity" and plain.get("identity_class") == "individual"
    ]


def guard_of_others(case: Case) -> Iterator[Hit]:
    """See whether a guess is cut because it stands in another's record."""
    if not case.probed:
        return
    text = new("incident", "A text", description="Somebody was asked. So it is.")
    for name in _victims(case):
        told = text | {"description": f"{name} was asked. So it is."}
        for one in case.versions:
            one.give(one.token)  # type: ignore[misc]  the pipeline has just seen it
        got = version([told], issuer="platform-lumen", number=901).got
        peers = [g for g in got if g.audience == "peer-cert"]
        if not all(name in g.words for g in peers):
            yield case.hit("probes.guard", "a guess is cut for what others published")


def pseudonym_of_a_guess(case: Case) -> Iterator[Hit]:
    """Publish a person under a guessed name, and compare the pseudonyms."""
    if not case.probed:
        return
    theirs = {
        value
        for one in case.versions
        for g in one.got
        if g.audience == "peer-cert"
        for _, _, value in pseudonyms(g)
    }
    for name in (*_victims(case), *WRONG):
        mine = {
            value
            for g in _probe(name).got
            if g.audience == "peer-cert"
            for _, _, value in pseudonyms(g)
        }
        if mine & theirs:
            leak = "probes.pseudonym" if name in _victims(case) else "probes.collision"
            yield case.hit(leak, "a guess has the victim's pseudonym")


def place_of_another(case: Case) -> Iterator[Hit]:
    """Publish an object under the id of another issuer's."""
    if not case.probed:
        return
    for got in case.versions[0].got:
        if got.audience != "peer-cert":
            continue
        taken = [i for i in evidence_ids(got) if i.startswith("malware--")]
        for stix_id in taken:
            mine = new("malware", "Not what it was") | {"id": stix_id}
            probe = _probe("Nobody Atall", 903, mine)
            for answer in probe.got:
                same = [o for o in answer.bundle if o["type"] == "malware"]
                theirs = {o["id"] for o in got.bundle}
                if answer.member == got.member and same[0]["id"] in theirs:
                    assert EXTENSION_ID in same[0]["extensions"]
                    yield case.hit("probes.same-id", "an object of two issuers")


def compressed_beside(case: Case) -> Iterator[Hit]:
    """Get a guess into the record itself, and watch the size of the hub's message.

    Whoever can make an issuer quote it, and sees the sizes of encrypted messages. In
    base64 a repeated word is shorter only at one of three places: all are tried.
    """
    if not case.probed:
        return
    one = case.versions[0]
    for name in _victims(case):
        others = (name[::-1], name[1:] + name[:1], "".join(sorted(name)))
        gains = []
        for padding in ("", "x", "xx"):
            right = _mean_size(one, name + padding)
            gains.append(min(_mean_size(one, o + padding) for o in others) - right)
        if max(gains) > _NOISE_BYTES:
            gain = round(max(gains), 1)
            yield case.hit("probes.compressed", "smaller if right", amount=gain)


def _mean_size(one: Version, guess: str) -> float:
    return mean(_size(one, guess, number) for number in range(_ROUNDS))


def _size(one: Version, guess: str, number: int) -> int:
    objects = [
        o | {"description": f"Called {guess}."} if o["id"] == INCIDENT["id"] else o
        for o in one.objects
    ]
    token = version(
        objects, number=700 + number, given=lambda _: (), primary=INCIDENT["id"]
    ).token
    return len(pack(token, message_id="m", routing_key="r", user_id="u").body)


def size_on_the_hub(case: Case) -> Iterator[Hit]:
    """Watch the size of the hub's own messages: whole records, not cut ones."""
    if not case.probed:
        return
    one = case.versions[0]
    sizes = [
        len(
            pack(
                one.sign(_longer(one, chars)),  # type: ignore[misc]
                message_id="m", routing_key="r", user_id="u",
            ).body
        )
        for chars in (0, 1000)
    ]  # fmt: skip
    if sizes[0] != sizes[1]:
        slope = round((sizes[1] - sizes[0]) / 1000, 2)
        yield case.hit("probes.size-on-hub", "bytes per character", amount=slope)


def _longer(one: Version, chars: int) -> list[dict[str, object]]:
    source = random.Random(1)  # noqa: S311  the same words in every run
    words = "".join(source.choices("abcdefghijklmnopqrstuvwxyz ", k=chars))
    return [
        o | {"contact_information": f"desk {words}"} if o["type"] == "identity" else o
        for o in one.objects
    ]


ALL = (
    guard_of_others, pseudonym_of_a_guess, place_of_another, compressed_beside,
    size_on_the_hub,
)  # fmt: skip
