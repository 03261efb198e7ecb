"""What a vocabulary is: the words a standard lists for a property."""

from typing import NamedTuple


class Vocabulary(NamedTuple):
    """Words that a property may have.

    Attributes:
        name: As its standard calls it (`report-type-ov`).
        words: In the standard's order.
        closed: A word outside is wrong, not merely unusual (STIX 2.1, Enumeration).
        more: Words taken as well: of other drafts, and our own additions.
    """

    name: str
    words: tuple[str, ...]
    closed: bool = False
    more: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Hash the name: hashing all the words would be felt."""
        return hash(self.name)

    @property
    def allowed(self) -> frozenset[str]:
        """All words that give no finding."""
        return frozenset(self.words + self.more)


def of_words(
    name: str, words: str, *, closed: bool = False, more: str = ""
) -> Vocabulary:
    """Make a vocabulary of words with spaces between them."""
    return Vocabulary(name, tuple(words.split()), closed, tuple(more.split()))
