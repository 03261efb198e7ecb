"""Writes docs/policy.md: the shipped redaction policy in sentences.

    python -P deploy/policy_page.py [--check]

It is made from adapters/policies/default.toml, by the words of `tocsin policy show`; the
list of where the policy is stricter or looser stands in the head of that file. With
--check nothing is written; the exit code is 1 if the page differs.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters import policy_table, policy_words
from adapters.policy import Policy
from adapters.policy_words import Told

ROOT = Path(__file__).resolve().parents[1]
POLICY = ROOT / "adapters" / "policies" / "default.toml"
PAGE = ROOT / "docs" / "policy.md"

HOW_TO_READ = """\
# Who gets which part of a record, and why

This page tells the redaction policy that Tocsin comes with, in full. It is written by `make policy-page` from
[`adapters/policies/default.toml`](../adapters/policies/default.toml), which is what counts; `tocsin policy show civil-society` tells the same of any
policy. A hub follows it once the groups have signed it into the [directory](directory.md), or another: `tocsin policy show --directory gate.toml` tells
that one.

## How to read it

Members are of one of {count} audiences: {audiences}. For each there is a chapter below.

A record is a list of objects: what happened, who was hit, which addresses were used, what to do. First its marking
decides whether it comes at all, and which objects of it. Then each line says what becomes of one kind of information, and
why. **What no line names is withheld**, from everybody. Whatever is left is searched once more: a name, address or account that
was withheld in one place is withheld wherever else it stands.

- **In full**: as the issuer wrote it, under the issuer's signature.
- **In part, or written so that it does no harm**: what stands on a list; an address written so that no click opens it; a
  text without the sentences that hold personal data.
- **Coarser, or under another name**: the day instead of the minute, the network instead of the address, ten instead of
  fourteen; or a made-up name, the same one whenever the same name comes back. The hub makes these values and says so.
- **Only when persons have agreed**: it waits for people. If nobody looks, it is withheld.
- **Not at all**: withheld. The member sees that something is missing, not what.

"Concerned" is whom the record names as concerned, such as the platform on which an account runs. "Addressed" is whom the
issuer addresses by name. "The campaign" is what the record calls an attack or a coordinated deception.

## How to change one line, and see what that does

1. Copy the file: `cp adapters/policies/default.toml ours.toml`.
2. Find the line by its title. `tocsin policy show` lists all titles; in the file each begins a paragraph:

   ```toml
   [[row]]
   title = "Labels"
   types = ["*"]
   properties = ["labels"]
   peer-cert = "keep"
   platform = "listed"
   civil-society = "listed"
   only = "harmless-labels"
   reason = "Labels are free words and can tell religion, origin or health; …"
   ```

3. Change one word, say `civil-society = "drop"`. Change the reason with it: it will be read aloud.
4. `tocsin policy check ours.toml` says what contradicts itself, with its line.
5. `tocsin policy diff shipped ours.toml` says what that means, what shows more first.
6. `tocsin policy simulate last-week/ --policy ours.toml --directory directory/` redacts last week's records both ways and says
   which parts would be shown or hidden, to whom. It takes tokens, and files as `tocsin check` takes them.
7. Raise `version`, and propose it: `tocsin directory propose --policy ours.toml …`. Two groups sign it, and adapters apply it from their next
   refresh on ([directory.md](directory.md)). In a trial with a plain folder, name the file as `policy` in `adapter.toml`.
"""


def main() -> int:
    """Write the page; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wanted = page(POLICY.read_text(encoding="utf-8"))
    if options.check:
        is_same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
        if not is_same:
            print(f"{PAGE.name} differs; type: make policy-page", file=sys.stderr)
        return 0 if is_same else 1
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"{PAGE}: {len(wanted.splitlines())} lines")
    return 0


def page(text: str) -> str:
    """Write the page for the text of a policy."""
    policy = Policy(text.encode(), "default.toml")
    told = [policy_words.told(policy, audience) for audience in policy.audiences]
    called = policy_words.joined(each.called for each in told)
    parts = [
        HOW_TO_READ.format(count=len(told), audiences=called),
        "\n".join(differences(text)),
        "\n".join(markings(policy)),
        *("\n".join(chapter(each)) for each in told),
        "\n".join(common(policy, told[0])),
        "\n".join(appendix(policy)),
    ]
    return "\n".join(parts)


def differences(text: str) -> Iterator[str]:
    """Give the list of the file's head: where it is stricter, where looser."""
    lines = [line.removeprefix("#").strip() for line in _head(text)]
    start = next(i for i, line in enumerate(lines) if line.startswith("Where this"))
    yield "## Where it is stricter, and where looser, than the default table\n"
    paragraphs = re.split(r"\n(?=\* |Where )", "\n".join(lines[start:]).strip())
    for paragraph in paragraphs:
        said = " ".join(paragraph.split())
        if said.startswith("* "):
            yield f"- {said[2:]}"
        elif said.endswith(":"):
            yield f"{said}\n"
        else:
            yield f"\n{said}"
    yield ""


def _head(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line


def markings(policy: Policy) -> Iterator[str]:
    """Write the table of gates."""
    yield "## What comes at all, by its marking\n"
    yield from table(
        ("", *(entry.called for entry in policy.audiences.values())),
        (
            (
                policy_words.marked(entry.title),
                *(policy_words.PASSES[word] for word in entry.words.values()),
            )
            for entry in policy_table.gates(policy)
        ),
    )
    yield f"\n{policy_words.LEGEND[0]}\n"


def chapter(told: Told) -> Iterator[str]:
    """Write all that one audience gets."""
    yield f"## {told.called[0].upper()}{told.called[1:]}\n"
    yield " ".join(told.opening)
    for part in told.parts:
        if part.table in ("gate", "row"):
            yield f"\n### {part.heading}\n"
            yield from (bullet(line.title, line.text) for line in part.lines)
    yield ""


def common(policy: Policy, told: Told) -> Iterator[str]:
    """Write what holds for every audience."""
    yield "## For everybody"
    for part in told.parts:
        if part.table in ("limit", "retention"):
            yield f"\n### {part.heading}\n"
            yield from (bullet(line.title, line.text) for line in part.lines)
    yield f"\n### {policy_words.LISTS}\n"
    for number, each in enumerate(policy.file.lists, 1):
        line = policy_words.listing(policy, number, each)
        yield bullet(line.title, line.text)
    yield ""


def appendix(policy: Policy) -> Iterator[str]:
    """Write the rows as engineers read them."""
    yield "## Technical appendix\n"
    yield "Each row of the file. `tocsin policy show --type STIXTYPE` has the same by property, with lines of the file.\n"
    names = list(policy.audiences)
    entries = policy_table.rows(policy)
    yield from table(
        ("row", "title", "types", "role", "properties", *names),
        (
            (
                str(entry.number),
                row.title,
                " ".join(f"`{kind}`" for kind in row.types),
                " ".join(filter(None, (row.role, row.when))),
                " ".join(f"`{name}`" for name in row.properties),
                *(entry.words[name] for name in names),
            )
            for entry, row in zip(entries, policy.file.row, strict=True)
        ),
    )


def bullet(title: str, text: str) -> str:
    """Write one line of a list."""
    return f"- **{title}**: {text}"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Write a table."""
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.exit(main())
