"""What follows from what was cut: references, translations, incomplete objects. Pure."""

from typing import Final

from adapters.cascade import ObjectLoss, cascade, lacks
from adapters.cutting import Work

_CONTENTS: Final = ("contents",)  # of translations


def complete(work: Work) -> None:
    """Take away what is signed and stays in the evidence, but is no valid STIX."""
    parts = enumerate(work.parts)
    if any(i not in work.gone and lacks(part, whole=True) for i, part in parts):
        settle(work, whole=True)


def settle(work: Work, *, whole: bool = False) -> None:
    """Let references go with their targets, translations with their originals.

    Args:
        whole: Of what is left, only complete objects may stay.
    """
    while True:
        for loss in cascade(
            work.reading.mentions,
            work.parts,
            work.gone,
            {work.issuer},
            whole=whole,
            more=work.handling.uses(work.parts, work.gone, work.is_visible),
        ):
            if isinstance(loss, ObjectLoss):
                by_mark = loss.reason != "required-withheld"
                work.lose(loss.index, loss.reason, above=by_mark)
            elif loss.element is None:
                by_mark = loss.reason != "reference-withheld"
                work.cut(loss.index, loss.place, loss.reason, above=by_mark)
            else:
                work.cuts.append(
                    work.cut_of(
                        loss.index, loss.place, loss.reason, element=loss.element
                    )
                )
        revealing = [
            i
            for i, part in enumerate(work.parts)
            if i not in work.gone
            and part.kind == "language-content"
            and _CONTENTS in part.shown
            and _reveals(work, i)
        ]
        if not revealing:
            return
        for i in revealing:
            work.cut(i, _CONTENTS, "reference-withheld")


def _reveals(work: Work, i: int) -> bool:
    """Tell whether a translation repeats what is not shown of its original."""
    target = work.reading.index.get(str(getattr(work.objects[i], "object_ref", "")))
    if target is None:
        return True
    original, contents = work.parts[target], work.parts[i].shown[_CONTENTS]
    names = {name for words in contents.values() for name in words}
    return not all(original.shows_whole((name,)) for name in names)
