"""The guard, applied to what is left of one record: cut, and look again. Pure."""

from typing import Any, Final

from adapters import guard, masking
from adapters.cuts import NotGivenError
from adapters.cutting import Work
from adapters.projection import ObjectParts
from adapters.settling import settle
from adapters.spelled import Forms
from schemas import profile

# Rounds until the guard has nothing more to cut; each cuts more, so that a record made
# to need many would keep it busy. Real ones need two.
_MAX_ROUNDS: Final = 16


def check(work: Work) -> None:
    """Withhold what repeats an identifying value that was cut."""
    for _ in range(_MAX_ROUNDS):
        watch = guard.Watch(work.reading, work.withheld)
        work.withheld = []
        if watch.is_empty():
            return
        if watch.hits_claims() or watch.is_too_much():
            raise NotGivenError("guard-visible")
        if not _withhold_hits(work, watch):
            return
        settle(work)
    raise NotGivenError("guard-visible")


def _withhold_hits(work: Work, watch: guard.Watch) -> bool:
    found, suspects = False, watch.suspects()
    for i, part in enumerate(work.parts):
        if i not in work.gone and (i in suspects or part.lost):
            found |= _withhold_shown(work, i, watch, suspects.get(i, {}))
    # Made values last: cutting what is shown makes some.
    staying = [p for i, p in enumerate(work.parts) if p.made and i not in work.gone]
    values = (value for part in staying for value in part.made.values())
    if watch.hits(Forms.apart(values), guard.Context.VOCABULARY):
        known: dict[str, bool] = {}
        for part in staying:
            found |= _withhold_made(part, watch, known)
    return found


def _withhold_shown(
    work: Work, i: int, watch: guard.Watch, suspects: dict[profile.Place, Forms]
) -> bool:
    part, found = work.parts[i], False
    for place, value in list(part.shown.items()):
        # Of a text that lost sentences what is left is shorter than what was read.
        is_cut = place in part.lost and isinstance(value, str)
        forms = Forms.of(value) if is_cut else suspects.get(place)
        if forms is None:
            continue
        visible = work.reading.objects[i].shows(place)
        context = guard.context_of(part.kind, place, visible=visible)
        if watch.hits(forms, context):
            if visible:
                raise NotGivenError("guard-visible")
            _cut_hits(work, i, place, value, watch)
            found = True
    return found


def _withhold_made(
    part: ObjectParts, watch: guard.Watch, known: dict[str, bool]
) -> bool:
    """Take away the made values that hold a cut one; many are alike, so *known*."""
    found = False
    for place, value in list(part.made.items()):
        is_hit = known.get(value) if type(value) is str else None
        if is_hit is None:
            # Pseudonyms are random: a short word may stand in one by chance.
            is_hit = watch.hits(Forms.of(value), guard.Context.VOCABULARY)
            if type(value) is str:
                known[value] = is_hit
        if is_hit:
            del part.made[place]
            found = True
    return found


def _cut_hits(
    work: Work, i: int, place: profile.Place, value: Any, watch: guard.Watch
) -> None:
    """Cut the sentences that hold a cut value; the whole where none of them does."""
    lost = work.parts[i].lost.get(place, ())
    hits = {
        j: ("withheld-value",)
        for j, part in enumerate(masking.parts_of(work.verified, i, place))
        if j not in lost and watch.hits(Forms.of(part[2]))
    }
    if hits:
        work.cut_sentences(i, place, hits, "guard")
    else:
        work.cut_softly(i, place, "guard", value)
