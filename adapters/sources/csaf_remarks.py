"""What a CSAF document and its vulnerabilities both have: notes, thanks, references."""

from typing import Any, Final
from urllib.parse import urlsplit

from adapters.sources.csaf_advisory import Advisory, label
from adapters.sources.found import Intake

_DESCRIBING: Final = ("summary", "description")
# Looking for each name in a text must not grow with the square of the input.
_MAX_NAMES: Final = 100


def description_of(item: Intake, advisory: Advisory, about: str) -> str:
    """Take the notes of *item*: those that describe it, as one text.

    All others become notes about the object *about*.
    """
    describing: list[str] = []
    for note in item.items("notes"):
        category = note.text("category")
        if category in _DESCRIBING and note.has("text"):
            describing.append(note.text("text"))
        else:
            advisory.note(
                note.where,
                [about],
                note.text("title"),
                note.text("text"),
                [*label("note", category), *label("audience", note.text("audience"))],
            )
        note.close()
    return "\n\n".join(describing)


def acknowledge(item: Intake, advisory: Advisory, about: str) -> None:
    """Take the acknowledgments of *item*: organisations, no persons."""
    for thanks in item.items("acknowledgments"):
        names = [name for _, name in thanks.texts("names")]
        if names:
            advisory.losses.add("person-left-out", thanks.place("names"))
        if not thanks.has("organization"):
            # Without one, a page and the words of thanks are a person's.
            thanks.drop("person-left-out", "summary", "urls")
        elif names:
            thanks.drop("person-left-out", "urls")
            _drop_named(thanks, advisory, names)
        _organisation(thanks, advisory, about)
        thanks.close()


def _drop_named(thanks: Intake, advisory: Advisory, names: list[str]) -> None:
    for member in ("organization", "summary"):
        text = thanks.text(member)
        said = text.casefold()
        if len(names) > _MAX_NAMES or any(name.casefold() in said for name in names):
            advisory.losses.add("person-left-out", thanks.place(member))
        else:
            thanks.put(member, text)


def _organisation(thanks: Intake, advisory: Advisory, about: str) -> None:
    # In words, not as an identity: policies hide names of organisations from many,
    # and then every remedy that names the vendor too.
    name = thanks.text("organization")
    if not name:
        return
    summary = thanks.text("summary")
    advisory.note(
        thanks.where,
        [about],
        "Acknowledgment",
        f"{name}: {summary}" if summary else name,
        external_references=[link(url) for _, url in thanks.texts("urls")],
    )


def references_of(item: Intake, own: str = "") -> list[dict[str, Any]]:
    """Take the references of *item*.

    Args:
        own: Source of the references to the document itself.
    """
    found: list[dict[str, Any]] = []
    for reference in item.items("references"):
        is_own = reference.text("category") == "self"
        url, summary = reference.text("url"), reference.text("summary")
        entry = link(url, summary)
        if own and is_own:
            entry["source_name"] = own
        found.append(entry)
        reference.close()
    return found


def link(url: str, description: str = "") -> dict[str, Any]:
    """Make an external reference; its source is the host."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    entry = {"source_name": host or "csaf", "url": url, "description": description}
    return {name: text for name, text in entry.items() if text}
