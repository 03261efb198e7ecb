"""Small policies for tests: what they must state anyway, and the rows of the test."""

import re
from pathlib import Path

from adapters.policy import Policy
from adapters.policy_names import MARKS

# The gates of the shipped policy, in one line each.
_GATES = {
    "TLP:AMBER": ("cleared", "affected", "nobody"),
    "TLP:AMBER+STRICT": ("addressed", "addressed", "nobody"),
    "TLP:RED": ("nobody", "nobody", "nobody"),
    "PAP:RED": ("cleared", "nobody", "nobody"),
    "IEP:unseen": ("cleared", "nobody", "nobody"),
    "protect:minors": ("nobody", "nobody", "nobody"),
}
_COLUMNS = ("peer-cert", "platform", "civil-society")
REASON = "Because it is a test of policies."


def table(entry, /, **values):
    """Write one entry of TOML; underscores in names become hyphens."""
    lines = [f"[[{entry}]]"]
    for key, value in values.items():
        text = f'"{value}"' if isinstance(value, str) else value
        if isinstance(value, list | tuple):
            text = "[" + ", ".join(f'"{each}"' for each in value) + "]"
        lines.append(f"{key.replace('_', '-')} = {text}")
    return "\n".join(lines) + "\n"


def row(
    types="identity",
    properties="name",
    peer="keep",
    platform="drop",
    civil="drop",
    **more,
):
    """Write a row."""
    return table(
        "row",
        **{
            "title": "A row of a test",
            "types": types.split(),
            "properties": properties.split(),
            "peer-cert": peer,
            "platform": platform,
            "civil-society": civil,
            "reason": REASON,
        }
        | more,
    )


def gate(mark, peer="cleared", platform="cleared", civil="cleared", **more):
    """Write a gate."""
    values = dict(zip(_COLUMNS, (peer, platform, civil), strict=True))
    return table("gate", mark=mark, **values, **({"reason": REASON} | more))


def limit(types, properties, at_most, **more):
    """Write a limit."""
    return table(
        "limit",
        **{
            "title": "A limit of a test",
            "types": types.split(),
            "properties": properties.split(),
            "at_most": at_most,
            "reason": REASON,
        }
        | more,
    )


def head(policy_id="p", version=3, **more):
    """Write what comes before the first table."""
    values = {"id": policy_id, "version": version, **more}
    return "\n".join(table("x", **values).splitlines()[1:]) + "\n"


AUDIENCES = "".join(
    table("audience", name=name, called=name, time=time)
    for name, time in zip(_COLUMNS, ("exact", "hour", "day"), strict=True)
)
GATES = "".join(gate(mark, *_GATES.get(mark, ("cleared",) * 3)) for mark in MARKS)


def written(*entries, start=None, audiences=AUDIENCES, gates=GATES):
    """Write a whole policy as bytes."""
    first = head() if start is None else start
    return (first + audiences + gates + "".join(entries)).encode()


def compiled(*entries, **parts):
    """Compile a policy of these entries."""
    return Policy(written(*entries, **parts), "test.toml")


SHIPPED = Path(__file__).parents[2] / "adapters" / "policies" / "default.toml"


def shipped(*titles, without=(), **columns):
    """Give the shipped policy with other words in the rows of these titles.

    None takes a line out; *without* names lists to leave out.
    """
    text = SHIPPED.read_text("utf-8")
    for name in without:
        text = re.sub(rf'\[\[list\]\]\nname = "{name}"\n(?:.*\n)*?reason.*\n', "", text)
    for title in titles:
        start = text.index(f'title = "{title}"\n')
        end = text.index("\nreason = ", start)
        entry = text[start:end]
        for column, word in columns.items():
            key = column.replace("_", "-")
            line = rf"\n{key} = .*"
            value = "" if word is None else f'\n{key} = "{word}"'
            entry, found = re.subn(line, value, entry)
            entry += "" if found else value
        text = text[:start] + entry + text[end:]
    return text.encode()


def without_holds(text):
    """Compile a policy as if everybody had always agreed to what it holds."""
    blocks = []
    for block in re.split(r"(?m)^(?=\[\[)", text):
        laxer = "cleared" if block.startswith("[[gate]]") else "keep"
        bare = block
        if '= "hold"' in block:
            bare = re.sub(r"(?m)^(approvals|meanwhile) = .*\n", "", block)
        blocks.append(bare.replace('= "hold"', f'= "{laxer}"'))
    return Policy("".join(blocks).encode(), "without-holds.toml")
