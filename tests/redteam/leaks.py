"""What attacks may find, and what they must not.

`KNOWN`: leaks that stand, each with its reason. `docs/threat-model.md` says how large
each is and what a member can do. `MUST_FAIL`: what would be a bug. A kind of leak is
in one of both; a test holds that.
"""

from typing import Final

KNOWN: Final = {
    # --- values
    "values.in-code": "patterns, addresses and licences may name whom an attacker imitates (adapters/guard.py)",
    "values.in-vocabulary": "a word of a list, shorter than eight letters, is also somebody's login",
    # --- ids
    "ids.evidence-links": "all copies of a token have the issuer's ids: audiences that pool match objects",
    "ids.kept": "random ids of the issuer's tools stay: who knows the object from elsewhere knows what it is",
    "ids.lineage": "ids are stable over versions, or a retraction would find nothing",
    "ids.of-a-mover": "who moves to another audience keeps the ids it has (decision 9)",
    # --- hashes
    "hashes.full": "the claim `full` covers no decoys: who lacks only simple parts can tell them apart",
    # --- pseudonyms
    "pseudonyms.equal": "within a period the same value gives the same pseudonym: its purpose",
    "pseudonyms.linked-audiences": "audiences that pool match pseudonyms by the ids in the evidence",
    "pseudonyms.linked-periods": "a record with versions in two periods links both (docs/projection.md)",
    "probes.pseudonym": "a peer that publishes can test guesses of a name against the period's pseudonyms",
    # --- numbers
    "counts.objects": "withheld objects are counted up to seven decoys",
    "counts.properties": "withheld properties of a shown object are counted exactly (decision 29)",
    "counts.sentences": "missing sentences are counted, and their places known: a promise to readers",
    "counts.receipt": "a receipt says 1 where it is one, by reason",
    "counts.chain": "places in the chain tell how many records others got in between",
    "counts.buckets": "versions on both sides of a power of ten narrow a number down",
    # --- times, facts
    "times.same": "`ver` and the primary object's times are exact, and tools write one time everywhere",
    "times.whole-days": "an end that is whole days after a coarse beginning gives the beginning",
    "facts.told": "sectors and places of withheld persons count as routing facts",
    # --- structure
    "structure.definitions": "a definition of a mark arrives also where nothing bears it that does",
    "structure.selectors": "selectors name properties that bear marks of their own, also cut ones",
    "structure.supplement": "a second delivery of a version tells that something had waited",
    "structure.also-addressed": "who is addressed or concerned reads who else is: it is one list",
    # --- comparing with a record that says otherwise
    "twins.mention": "a text or name that is missing says that it names what is withheld, or holds personal data",
    "twins.mention-of-object": "the same, for an object that is withheld",
    "twins.pseudonym": "another value has another pseudonym: its purpose",
    "twins.receipt": "numbers of cuts follow from what is cut",
    "twins.receipt-of-object": "the same, for an object that is withheld",
    "twins.facts-of-object": "see facts.told",
    # --- others' records, and the hub's own lines
    "probes.same-id": "an issuer that copies another's object id gets the same projected id: tools may overwrite",
    "probes.compressed": "who gets a guess into a record and sees sizes on the hub's lines learns over many versions whether it is right",
    "probes.size-on-hub": "who sees sizes on the hub's lines knows how long whole records are",
}  # fmt: skip

MUST_FAIL: Final = {
    "values.standing": "a withheld name or address stands in words that a member reads",
    "values.encoded": "it stands there in another spelling",
    "values.around": "it stands in a delivery's facts, a receipt, a log line, a header",
    "values.error": "it stands in the text of an error",
    "ids.withheld-named": "a copy names an object that is withheld",
    "ids.of-values": "an id derives from a withheld value",
    "ids.of-names": "an id derives from a withheld name",
    "ids.without-key": "a projected id can be computed without the key",
    "ids.same-for-two": "two audiences have the same projected id",
    "ids.shape": "the version of an id says that it derives from something",
    "ids.original": "an id that had to be replaced came through",
    "ids.over-records": "a replaced id is shared by two records",
    "hashes.guessed": "a digest tells whether a guess of a withheld value is right",
    "hashes.salt-again": "a salt is used twice",
    "hashes.unchanged": "a digest stays over versions: the value did not change",
    "hashes.received": "`received` tells whether a guess is right",
    "hashes.neighbour": "a neighbour's receipt tells whether a guess is right",
    "pseudonyms.guessed": "a pseudonym can be computed without the key",
    "pseudonyms.beside-value": "the value that a pseudonym stands for is elsewhere in the same copy",
    "pseudonyms.same-for-two": "two audiences have the same pseudonym",
    "pseudonyms.same-in-two-periods": "two periods have the same pseudonym",
    "counts.objects-exact": "the number of withheld objects is exact",
    "counts.protected": "a receipt says that somebody is protected",
    "facts.protected": "a routing fact comes from what protects somebody",
    "protected.told": "a copy tells protection of a person from a stricter TLP",
    "structure.addressed": "who is not named reads who is",
    "structure.order": "objects stand in the issuer's order",
    "twins.read": "a copy reads otherwise because a withheld value is another",
    "twins.sizes": "a copy is longer because a withheld value is",
    "twins.gaps": "a copy has another number of gaps because a withheld value is another",
    "twins.facts": "a routing fact follows a withheld value",
    "twins.given": "a record is given or not because of a withheld value",
    "twins.read-of-object": "a copy reads otherwise because of a withheld object",
    "twins.given-of-object": "a record is given or not because of a withheld object",
    "probes.guard": "what one member publishes is cut for what is in another's record",
    "probes.collision": "a wrong guess has the victim's pseudonym",
}  # fmt: skip
