"""Rules whose breach does not refuse an input: level, and a sentence that helps."""

from typing import Final, Literal

import msgspec

from schemas.reasons import REASONS

Level = Literal["error", "warning", "note"]
"""As SARIF 2.1.0 has them, 3.27.10."""


class Rule(msgspec.Struct, frozen=True):
    """What a rule of `tocsin check` says."""

    level: Level
    sentence: str


RULES: Final[dict[str, Rule]] = {
    # what is allowed and probably a mistake (schemas.linting)
    "time-order": Rule("warning", "STIX wants these two times the other way round."),
    "time-future": Rule("warning", "this time lies in the future; check the clock."),
    "all-expired": Rule(
        "warning",
        "the validity of every indicator is over, so nobody will act on them; check "
        "valid_until.",
    ),
    "dangling-ref": Rule(
        "warning",
        "it refers to an object that is not in the input; add that, or take the "
        "reference out.",
    ),
    "dangling-marking": Rule(
        "warning",
        "marked with a definition that is not in the input: readers cannot know what "
        "it asks for, and withhold what it marks. Add the marking-definition.",
    ),
    "ref-type": Rule(
        "warning", "it refers to an object of a type that STIX does not have there."
    ),
    "unconnected": Rule(
        "note",
        "nothing refers to this object, and it refers to nothing; check that it is "
        "meant to be shared.",
    ),
    "same-value": Rule(
        "note",
        "another object has the same type and value; tools may count it twice. Let "
        "both be one object.",
    ),
    "external-ref": Rule("note", "it is about an object of somebody else's record."),
    "hidden-character": Rule(
        "warning",
        "holds characters that are not seen or turn the direction of a text; what "
        "people read is not what machines compare. Take them out.",
    ),
    "empty-text": Rule(
        "warning", "an empty text; write one, or leave the property out."
    ),
    "pattern-form": Rule(
        "warning",
        "this is no STIX pattern: it must begin with a bracket, and its brackets and "
        "quotes must come in pairs. Mend it, or name its language in pattern_type.",
    ),
    "defanged": Rule(
        "warning",
        "written so that nobody follows it, which machines cannot compare; write the "
        "plain value, or set defanged: true.",
    ),
    "value-form": Rule(
        "warning", "the value is not what its type says, so nobody will find it."
    ),
    "private-address": Rule(
        "warning",
        "an address of a private network: it means nothing outside, and tells what "
        "the inside looks like. Take it out unless it is meant.",
    ),
    "long-text": Rule("note", "a very long text; a report may be attached by a link."),
    "large-record": Rule(
        "note", "a record of more than 5,000 objects; consider parts."
    ),
    "unknown-type": Rule(
        "note",
        "of a type not known here: it is carried and can be withheld, but no audience "
        "is shown it by the shipped policies.",
    ),
    "custom-property": Rule(
        "note",
        "has properties that STIX does not define: they are carried and can be "
        "withheld, but no audience is shown them by the shipped policies.",
    ),
    "unknown-extension": Rule(
        "note",
        "has an extension not known here: it is carried and can be withheld as a "
        "whole, but no audience is shown it by the shipped policies.",
    ),
    # what stands where nothing can withhold it (adapters.leaks)
    "leak-visible": Rule(
        "warning",
        "a name or address that can be withheld elsewhere stands in a part that is "
        "always visible: reword that part, or the record is stopped for every "
        "audience that may not see it.",
    ),
    # marks that contradict each other, or will surprise who sends them
    "tlp-several": Rule(
        "warning", "several TLPs on one object: the strictest counts; keep one."
    ),
    "tlp-body": Rule(
        "warning",
        "this TLP says another colour than its id means: the id counts; leave the "
        "definition out, or mark with the id that is meant.",
    ),
    "tlp-foreign-id": Rule(
        "warning",
        "a TLP under an id of its own counts as an unknown mark; use the ids of "
        "TLP 2.0.",
    ),
    "tlp-1-amber": Rule(
        "note",
        "AMBER of TLP 1, which TLP 2.0 has split: it counts as AMBER; mark "
        "AMBER+STRICT what must stay in one organisation.",
    ),
    "tlp-weaker-part": Rule(
        "warning",
        "a part marked less strictly than its object has no effect; mark the object "
        "so, and its other parts more strictly.",
    ),
    "tlp-above-primary": Rule(
        "note",
        "stricter than the record: withheld from those who are cleared for the "
        "record alone; check that they can do without it.",
    ),
    "tlp-reference": Rule(
        "warning",
        "this refers to an object that is marked more strictly, which tells that it "
        "exists; mark this as strictly, or take the reference out.",
    ),
    "tlp-unmarked": Rule(
        "note", "not marked: it counts as AMBER+STRICT; mark it, or give --tlp."
    ),
    "tlp-label": Rule(
        "warning",
        "a label marks nothing, and this one says another TLP than the marking; "
        "correct the one that is wrong.",
    ),
    "tlp-unclear": Rule(
        "warning",
        "tlp:unclear says nothing about who may see this; ask where it comes from, "
        "and mark it.",
    ),
    "chatham-house": Rule(
        "warning",
        "the Chatham House Rule cannot be kept, since who signs is always visible; "
        "let a CERT that agrees issue this.",
    ),
    "marking-unknown": Rule(
        "warning",
        "neither TLP, PAP, IEP nor a statement of this input: nobody gets what it "
        "marks; add its definition, or take the mark out.",
    ),
    "pap-several": Rule(
        "warning", "several PAPs on one object: the strictest counts; keep one."
    ),
    "pap-body": Rule(
        "warning",
        "this PAP says another colour than its id means: the stricter one counts; "
        "leave the definition out.",
    ),
    "pap-unknown": Rule(
        "warning",
        "PAP is RED, AMBER, GREEN or CLEAR; this is none of them and counts as RED.",
    ),
    "pap-red-wide": Rule(
        "warning",
        "PAP:RED goes to peers alone, but the record is addressed to everybody; "
        "choose a community of peers, or a laxer PAP.",
    ),
    "protect-unknown": Rule(
        "warning",
        "protect: names minors, survivors or defenders; this is none of them and counts "
        "as all, so nobody gets it.",
    ),
    "iep-tlp": Rule(
        "note", "its IEP asks for a stricter TLP than its marking; that one is signed."
    ),
    "iep-not-begun": Rule(
        "warning",
        "this IEP begins in the future; its terms are kept from now on. Check the date.",
    ),
    "contact-in-name": Rule(
        "warning",
        "this name seems to hold an address, a login or a number of seven or more "
        "digits; the shipped policy then withholds the name, and the record with it. "
        "Move the number of a ticket to external_references.",
    ),
    "own-identity": Rule(
        "note",
        "this identity has created the record; if it is you, name it with --identity "
        "(in publisher.toml: identity), or it is treated like any other.",
    ),
    # what a source could not take over
    "no-equivalent": Rule("note", "a record has no place for this; it stays at home."),
    "local-only": Rule("note", "this says something about the sender's system alone."),
    "person-left-out": Rule("note", "data of a person; left out on purpose."),
    "wrong-type": Rule("warning", "this is not what the format has here; left out."),
    "unusable": Rule(
        "warning", "this does not give a valid object; mend it, or it is left out."
    ),
    "bad-value": Rule("warning", "the value is not what its type says; left out."),
    "repeated": Rule("note", "said before; taken once."),
    # words and techniques
    "vocabulary": Rule(
        "note",
        "not a word of this property's vocabulary, which other tools may not know; "
        "take one of its words, or keep yours on purpose.",
    ),
    "enumeration": Rule(
        "warning",
        "the list of words for this property is closed; take one of them, or others "
        "may refuse the object.",
    ),
    "unknown-tag": Rule(
        "note",
        "not a tag of this taxonomy, so nobody can filter by it; correct it, or take "
        "a label without the taxonomy's name.",
    ),
    "unknown-technique": Rule(
        "warning",
        "the catalogue has no technique of this id; correct it, or import a newer "
        "catalogue.",
    ),
    "old-technique": Rule(
        "note", "the catalogue has given this technique up; look for its successor."
    ),
    # what STIX 2.1 and the drafts of the incident suite say and a record does not
    "mark-by-id": Rule(
        "note",
        "a mark of TLP or protection is known by its id; what the input says of it "
        "stays at home.",
    ),
    "sequence-left-out": Rule(
        "note",
        "an incident lists its events and tasks without the order of steps; write the "
        "order into the description if it matters.",
    ),
    # formats coming in
    "dangling": Rule(
        "warning", "this names something that is not in the input; left out."
    ),
    "unused": Rule("note", "nothing in the input refers to this; left out."),
    "assumed": Rule(
        "note",
        "STIX 2.1 requires what the format does not say; check the value put in.",
    ),
    "older-version": Rule("note", "the input holds a newer version too; left out."),
    "strictest-mark": Rule(
        "warning", "this mark is not known here; AMBER+STRICT is taken in its place."
    ),
    # tables
    "guessed-encoding": Rule(
        "warning", "not UTF-8; read as Windows-1252. Look at its accented letters."
    ),
    "ragged-row": Rule(
        "warning", "more cells than the heading; left out. Quote cells with separators."
    ),
    "ambiguous-date": Rule(
        "warning", "day or month first? The column does not tell; write 2026-11-02."
    ),
    "bad-tlp-cell": Rule(
        "warning", "no TLP that is known here; the row is taken as AMBER+STRICT."
    ),
    "too-long": Rule("warning", "longer than a record needs; left out."),
    "several-campaigns": Rule(
        "warning", "one record is about one campaign; split the table, or they are one."
    ),
    "needs-behaviour": Rule(
        "warning", "no row names a technique; without one the record is refused."
    ),
    # what MISP says besides (adapters.sources.misp)
    "unknown-tlp": Rule(
        "warning",
        "this TLP tag is not one of TLP 2.0, so it counts as TLP:AMBER+STRICT; take "
        "one of clear, green, amber, amber+strict and red.",
    ),
    "narrow-distribution": Rule(
        "warning",
        "MISP keeps this to your organisation or to a sharing group, so it is marked "
        "TLP:AMBER+STRICT; raise its distribution if more may see it.",
    ),
    "unknown-distribution": Rule(
        "warning",
        "this is no distribution level of MISP, so it is marked TLP:AMBER+STRICT.",
    ),
    "proposal": Rule(
        "note", "a proposal, not a fact; accept it in MISP if it should travel."
    ),
    "deleted": Rule("note", "deleted in MISP; it stays at home."),
    "other-event": Rule(
        "note", "about another event, which is published as a record of its own."
    ),
    "unpublished": Rule(
        "note", "not published in MISP; make sure that the event is finished."
    ),
    "payload-left-out": Rule(
        "note", "content of a file; it never travels, its name and hashes do."
    ),
    "secret-left-out": Rule(
        "note", "opens something to whoever reads it; left out on purpose."
    ),
    "unknown-attribute": Rule(
        "warning",
        "an attribute of a type not known here, which may be about a person; left "
        "out. Give it a type of MISP.",
    ),
    "label-only": Rule(
        "note", "no object stands for this cluster; its tag is kept as a label."
    ),
    # a TAXII collection: why a poll ends before its end, and what it left out
    "taxii-page": Rule(
        "error", "the answer is no TAXII 2.1 envelope; the URL must be a collection's."
    ),
    "taxii-version": Rule("error", "the server does not speak TAXII 2.1."),
    "taxii-missing": Rule(
        "error", "the server knows no such collection; look at the URL."
    ),
    "taxii-login": Rule(
        "error", "the server does not let this login read the collection."
    ),
    "taxii-refused": Rule("error", "the server refuses the request; its log says why."),
    "taxii-redirect": Rule(
        "error",
        "the server sends us to another host or in circles; if that is right, put the "
        "new URL into the configuration.",
    ),
    "taxii-address": Rule(
        "error", "the server has a private address; allow_private permits that."
    ),
    "taxii-tls": Rule(
        "error", "the server's certificate is not trusted; `ca` names its authority."
    ),
    "taxii-unreachable": Rule(
        "error", "the server cannot be reached, or gives no answer."
    ),
    "taxii-busy": Rule(
        "error",
        "the server cannot answer now; the next run goes on where this one stopped.",
    ),
    "taxii-loop": Rule(
        "error",
        "the server gives the same objects again and says that there is more; what "
        "came is kept, tell its operator.",
    ),
    "taxii-instant": Rule(
        "error",
        "there is more, and neither a token nor a date leads there; what came is kept, "
        "raise `limit`, or tell the server's operator.",
    ),
    "taxii-endless": Rule(
        "error", "the collection has no end in sight; the next run goes on there."
    ),
    "taxii-object": Rule(
        "warning", "without a STIX id and the type that it says; left out."
    ),
    "taxii-narrow": Rule(
        "note",
        "the cases share so much that each has its direct neighbours alone; the rest "
        "is in reports of its own.",
    ),
}

USUAL: Final = frozenset({"own-identity", "tlp-above-primary", "vocabulary"})
"""Rules of what is mostly meant so: checking tells it, signing keeps silent."""


def rule(code: str) -> Rule:
    """Look a rule up; a reason code of a refusal is an error."""
    found = RULES.get(code)
    return found if found is not None else Rule("error", REASONS.get(code, "refused."))
