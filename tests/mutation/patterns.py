"""Small changes to a regular expression: each part of it dropped, each number moved."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

_ESCAPE: Final = r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
# A class; a quantifier; what stands around a match; an end; a part of an alternative.
_TOKEN: Final = re.compile(
    rf"(?P<members>\[\^?(?:{_ESCAPE}|[^\]\\])+\])|(?P<bound>\\[bBAZ]|[$^])"
    rf"|(?P<literal>{_ESCAPE})|(?P<around>\(\?<?[!=](?:{_ESCAPE}|\[[^\]]*\]|[^()\\\[])*\))"
    r"|(?P<count>\{\d*,?\d*\})|(?P<group>\(\?:|\(\?P<\w+>|\()|(?P<often>[*+?])|(?P<either>\|)",
    re.DOTALL,
)
_MEMBER: Final = re.compile(
    rf"(?:{_ESCAPE}|[^\\])-(?:{_ESCAPE}|[^\\])|{_ESCAPE}|[^\\]", re.DOTALL
)
_OFTEN: Final = {"*": "+", "+": "*", "?": ""}


def changed(pattern: str) -> Iterator[tuple[str, str]]:
    """List what is changed, in words, and the other pattern.

    Args:
        pattern: Or a piece of one; what it becomes may be no pattern.
    """
    seen = {pattern}
    for token, other in _all(pattern):
        if other not in seen:
            seen.add(other)
            yield _told(pattern, token, other), other


def _told(pattern: str, at: int, other: str) -> str:
    """Tell what stood there and what stands there now, a little around it."""
    same = _same(pattern[::-1], other[::-1])
    end, new_end = len(pattern) - same, len(other) - same
    start = min(at, end, new_end)
    return f"{pattern[max(0, start - 8) : start]}<{pattern[start:end]} | {other[start:new_end]}>"


def _same(one: str, other: str) -> int:
    """Count the characters that two texts begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _all(pattern: str) -> Iterator[tuple[int, str]]:
    for token in _TOKEN.finditer(pattern):
        for other in _of_token(pattern, token):
            yield _same(pattern, other), other


def _of_token(pattern: str, token: re.Match[str]) -> Iterator[str]:
    before, after = pattern[: token.start()], pattern[token.end() :]
    match token.lastgroup:
        case "members":
            for other in _classes(token[0]):
                yield before + other + after
        case "bound" | "around":
            yield before + after
        case "count":
            for number in re.finditer(r"\d+", token[0]):
                for n in (int(number[0]) + 1, int(number[0]) - 1):
                    if n >= 0:
                        count = (
                            f"{token[0][: number.start()]}{n}{token[0][number.end() :]}"
                        )
                        yield before + count + after
        case "often":
            yield before + _OFTEN[token[0]] + after
        case "either":
            # The alternative before it, and the one after, as far as they go.
            yield before[: _start(before)] + after
            yield before + after[_end(after) :]
        case _:
            pass


def _classes(written: str) -> Iterator[str]:
    """Drop each member of a class; where there is one alone, turn the class around."""
    opening = "[^" if written.startswith("[^") else "["
    members = _MEMBER.findall(written[len(opening) : -1])
    if len(members) == 1:
        yield ("[" if opening == "[^" else "[^") + members[0] + "]"
        return
    for i in range(len(members)):
        yield opening + "".join(members[:i] + members[i + 1 :]) + "]"


def _start(before: str) -> int:
    """Find where the alternative that ends *before* begins."""
    opened: list[int] = [0]
    for token in re.finditer(rf"{_ESCAPE}|\[(?:{_ESCAPE}|[^\]\\])+\]|[()|]", before):
        if token[0] == "(":
            inner = re.match(r"\((?:\?(?::|<?[!=]|P<\w+>))?", before[token.start() :])
            opened.append(token.start() + (inner.end() if inner else 1))
        elif token[0] == ")" and len(opened) > 1:
            opened.pop()
        elif token[0] == "|":
            opened[-1] = token.end()
    return opened[-1]


def _end(after: str) -> int:
    """Find where the alternative that *after* begins with ends."""
    depth = 0
    for token in re.finditer(rf"{_ESCAPE}|\[(?:{_ESCAPE}|[^\]\\])+\]|[()|]", after):
        if token[0] == "(":
            depth += 1
        elif token[0] == ")":
            if depth == 0:
                return token.start()
            depth -= 1
        elif token[0] == "|" and depth == 0:
            return token.start()
    return len(after)
