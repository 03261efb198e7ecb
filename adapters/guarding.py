"""The guard, applied to what is left of one record: cut, and look again. Pure."""

from typing import Any, Final

from adapters import guard, masking
from adapters.cuts import NotGivenError
from adapters.cutting import Work
from adapters.settling import settle
from schemas import profile

# Rounds until the guard has nothing more to cut; each cuts more, so that a record made
# to need many would keep it busy. Real ones need two.
_MAX_ROUNDS: Final = 16


def check(work: Work) -> None:
    """Withhold what repeats an identifying value that was cut."""
    everything: guard.Forms | None = None
    for _ in range(_MAX_ROUNDS):
        watch = guard.Watch(work.verified, work.withheld)
        work.withheld = []
        if watch.is_empty():
            return
        if watch.hits_claims():
            raise NotGivenError("guard-visible")
        if everything is None:
            everything = guard.Forms(
                value
                for i, part in enumerate(work.parts)
                if i not in work.gone
                for value in part.values()
            )
        if not watch.narrow(everything):
            raise NotGivenError("guard-visible")
        if watch.is_empty() or not _withhold_hits(work, watch):
            return
        settle(work)
    raise NotGivenError("guard-visible")


def _withhold_hits(work: Work, watch: guard.Watch) -> bool:
    found = False
    for i, part in enumerate(work.parts):
        if i not in work.gone and watch.hits(guard.Forms(part.values())):
            found |= _withhold_hits_of(work, i, watch)
    return found


def _withhold_hits_of(work: Work, i: int, watch: guard.Watch) -> bool:
    part, found = work.parts[i], False
    primary = i == work.verified.primary
    own = work.verified.plain[i].get("created_by_ref") == work.issuer
    for place, value in list(part.shown.items()):
        visible = profile.is_visible(place, part.kind, primary=primary, own=own)
        context = guard.context_of(part.kind, place, visible=visible)
        if watch.hits(guard.Forms([value]), context):
            if visible:
                raise NotGivenError("guard-visible")
            _cut_hits(work, i, place, value, watch)
            found = True
    for place, value in list(part.made.items()):
        # Pseudonyms are random: a short word may stand in one by chance.
        if watch.hits(guard.Forms([value]), guard.Context.VOCABULARY):
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
        if j not in lost and watch.hits(guard.Forms([part[2]]))
    }
    if hits:
        work.cut_sentences(i, place, hits, "guard")
    else:
        work.cut_softly(i, place, "guard", value)
