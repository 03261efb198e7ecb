"""HTML read the way a browser does: which elements there are, and what text they hold."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inner: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(i if isinstance(i, str) else i.text for i in self.inner)

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Every element inside, of a tag and with attributes; `of` means `data-of`."""
        wanted = {
            {"of": "data-of", "cls": "class"}.get(name, name): value
            for name, value in attributes.items()
        }
        found = []
        for each in self.inner:
            if isinstance(each, Element):
                if tag in ("", each.tag) and wanted.items() <= each.attributes.items():
                    found.append(each)
                found += each.all(tag, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inner.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inner.append(data)


def read(html: str) -> Element:
    """Read a page whose elements must all be closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    (root,) = reader.open
    return root
