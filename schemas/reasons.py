"""Every reason code of a refusal, with a sentence that helps. Codes are stable."""

from typing import Final

REASONS: Final[dict[str, str]] = {
    # the input
    "not-json": "this is not JSON; look at the place named.",
    "not-utf8": "the text is not UTF-8; save it as UTF-8 without a byte order mark.",
    "surrogate": "a string holds half a Unicode character; the producing tool cut it.",
    "duplicate-key": "an object names the same key twice, which tools read differently.",
    "number-range": "a number is beyond 2^53 or not finite; write it as a string.",
    "too-large": "larger than the limit for one record; split it.",
    "too-deep": "nested deeper than 32 levels.",
    "not-stix": "this is not a STIX 2.1 bundle or object.",
    "stix-version": "this is not STIX 2.1; convert it first.",
    "bad-id": "a STIX id must be <type>--<uuid>, with the type of its object.",
    "bad-property": "a property does not have the form STIX 2.1 gives it.",
    "bad-selector": "a granular marking's selector is not valid.",
    "bad-tlp": "TLP is CLEAR, GREEN, AMBER, AMBER+STRICT or RED.",
    "bad-iep": "a term of an Information Exchange Policy (IEP 2.0) is missing or unknown; "
    "it could mean stricter.",
    "iep-expired": "the IEP that this is under has ended, so it is passed on no more; ask "
    "its provider.",
    "attribution-visible": "an IEP forbids naming the provider, and who signs is always "
    "visible; let a CERT that agrees issue it.",
    "coarse": "a coarse value is no network or day, or the exact value contradicts it.",
    "missing-property": "a property that STIX 2.1 requires is missing.",
    "reserved-name": "_sd, ..., _sd_alg, __proto__ and the empty name cannot be names.",
    "duplicate-id": "two objects have one id.",
    "too-many-objects": "more than 20,000 objects; split the record.",
    "packed": "this is compressed; unpack it first.",
    "empty": "there is nothing in it.",
    "unknown-format": "this looks like no format known here; name it with --from.",
    # a catalogue of techniques
    "no-techniques": "it holds no technique: no attack-pattern with an id of its own.",
    "not-catalogue": "this is no catalogue; make one with tocsin catalogue import.",
    # formats coming in
    "no-objects": "nothing in it could be read as a record; see what was left out.",
    "not-csaf": "this is not a CSAF 2.0 or 2.1 document.",
    "not-csv": "this is not CSV; look at the place named.",
    "not-shadowserver": "this is not a Shadowserver report: a table, or a JSON list, "
    "with the columns timestamp and ip.",
    "not-stix20": "this is not a STIX 2.0 bundle or list of objects.",
    "not-text": "this is no text, or in an encoding not known here; save it as UTF-8.",
    "bad-cell": "a cell is not closed by its quotation mark, or longer than 131,072 "
    "characters; mend the table there.",
    "too-many-rows": "more than 200,000 rows; split the table.",
    "no-known-column": "no column is known here; call one indicator, domain, url, ip or "
    "sha256, or see docs/sources.md.",
    "several-events": "more than one event; split them, as each is a record of its own.",
    # the operator's orders
    "erasing-invalid": "this is no order to erase a record, or not the operator's.",
    # the record
    "no-primary": "no incident, campaign, report or grouping to be the primary object; "
    "wrap loose objects with --report NAME.",
    "several-primaries": "several objects could be the primary one; name it with "
    "--primary ID.",
    "primary-not-found": "the object named with --primary is not in the input, or its "
    "type cannot be primary.",
    "unmarked": "the primary object has no TLP marking; mark it or give --tlp.",
    "needs-sealing": "TLP:RED must travel sealed: name with --seal-to for whom; the "
    "primary object cannot be.",
    "no-behaviour": "a record with narratives, channels or media content must name at "
    "least one behaviour (attack-pattern): conduct is judged, not speech.",
    "no-legal-basis": "a takedown request must say who asks, on what legal basis, and "
    "why it is necessary.",
    "not-addressed": "a takedown request is made to somebody: name the platform with "
    "--to.",
    "pap-forbids": "a takedown is seen by the adversary, which PAP:AMBER and PAP:RED "
    "forbid.",
    "not-revoked": "a retraction needs revoked: true on the primary object.",
    "kind-mismatch": "this kind does not fit the primary object.",
    # the token
    "framing": "this is not a compact SD-JWT with its final tilde; it may be cut.",
    "serialization": "this is not the JSON serialization of one record, or says more.",
    "bad-base64": "a part is not canonical base64url.",
    "header": "the header must hold exactly alg, kid and typ.",
    "typ": "the token is of another type than a Tocsin record.",
    "alg": "the algorithm is not the one that the directory gives this key.",
    "unknown-key": "no member owns the key that is said to have signed.",
    "bad-key": "this is neither an Ed25519 nor a P-256 public key.",
    "signature": "the signature does not hold: the record was changed or forged.",
    "payload": "the signed part is not a JSON object.",
    "sd-alg": "digests must be sha-256.",
    "sd-shape": "a digest stands where none may.",
    "digest-shape": "a digest is not 43 characters of base64url.",
    "duplicate-digest": "one digest stands twice.",
    "duplicate-disclosure": "one disclosure stands twice.",
    "unreferenced-disclosure": "a disclosure does not belong to this record.",
    "disclosure-shape": "a disclosure does not have its two or three parts.",
    "short-salt": "a salt is shorter than 128 bits.",
    "shadowed-name": "a disclosure would overwrite a visible claim.",
    "too-many-disclosures": "more than 65,536 disclosures.",
    "too-many-values": "more than 500,000 values; split the record.",
    "claims": "a claim is missing, unknown or malformed.",
    "vct": "the record's profile is not known here.",
    "iss-kid": "the key belongs to another organisation than the issuer named.",
    "kind-not-allowed": "the directory does not let this member publish this kind.",
    "no-lead": "a joint record is named by the signature of its lead, which comes first.",
    "foreign-cosigner": "somebody has signed whom the claim need does not name.",
    "duplicate-signer": "an organisation has signed twice; each signs once.",
    "partial": "a joint record lacks signatures that its claim need asks for; add them "
    "with tocsin cosign.",
    "exercise-only": "its issuer is in exercise and may publish exercise records only.",
    "issued-in-future": "issued more than two minutes in the future; check the clocks.",
    "expired": "its handling horizon is over.",
    "key-not-valid": "issued outside the validity of its key.",
    "key-revoked": "its key is revoked.",
    "member-suspended": "its organisation is suspended; tocsin directory show says by "
    "whom and how long.",
    "key-suspended": "its key is suspended; tocsin directory show says by whom and how "
    "long.",
    "version-in-future": "its version is more than two minutes in the future.",
    "version-mismatch": "the primary object is of another version than claimed.",
    "tlp-mismatch": "the primary object is marked otherwise than claimed.",
    "visible-as-disclosure": "a part that must always be visible can be withheld.",
    "not-withholdable": "a part that must be withholdable is always visible.",
    "segments": "a text is not made of segments.",
    # the way
    "seen-missing": "the message does not say when the gate first saw the record.",
    "seen-invalid": "what says when the gate first saw the record is not the gate's, "
    "or another record's; look at directory/services.",
    "content-type": "the message does not hold a Tocsin record.",
    "content-encoding": "only zstd or no compression is understood.",
    "zstd": "the compressed body is broken, or more than one frame.",
    "user-id": "the sender is not the issuer.",
    "routing-key": "the routing key does not say what the record says.",
    "incomplete": "disclosures are missing: only whole records are taken in.",
    "no-feed": "the record does not state its place in the publisher's feed.",
    "chain-conflict": "another record has this place in the publisher's feed.",
    "facts-mismatch": "severity, countries, sectors or languages do not follow from "
    "the record's parts.",
    "not-prepared": "this joint record was not prepared here, or that was forgotten; begin "
    "with tocsin publish --with.",
    "other-record": "these are not copies of one whole record, as its lead signed it.",
    "version-known": "this version was published with other content; give it a newer "
    "modified.",
    "no-earlier-version": "nothing of this record was published from here; name it "
    "with --of if a table's rows have changed, or use tocsin publish.",
    "retracted": "this record was taken back, for good; publish another one.",
    "receipt-invalid": "this is no receipt as an adapter must sign it.",
    "receipt-mismatch": "what is named here is not what the receipt is about.",
    "not-under-head": "nothing shows that the record stood under a head that was held "
    "before; get its path (tocsin heads prove).",
    "chain-forked": "the hub signed two histories of its chain; the proof is kept.",
    "fork-invalid": "this proves no fork of the gate's chain.",
    "review-invalid": "this is no statement of a reviewer as it must be signed.",
    "not-a-reviewer": "the key is that of none of the reviewers that the adapter knows.",
    "answer-invalid": "this is not a sighting or an action as its sender must sign it.",
    "report-invalid": "this is no report of what was delivered as an adapter of the hub "
    "must sign it.",
    "kind-not-supported": "this kind is not supported yet.",
    # the directory
    "directory-untrusted": "the directory does not follow from the root that you pinned, "
    "or a file of it is missing or changed.",
    "directory-roles": "who signs the directory is not one key for each group, with a "
    "threshold of at least two.",
    "directory-entry": "no client could load this file of the directory.",
    "directory-threshold": "not enough groups have signed.",
    "directory-expired": "the directory has expired; ask the hub for a newer one.",
    "policy-withdrawn": "the groups have taken the policy out of the directory by which "
    "this adapter decides.",
    "policy-not-signed": "the groups have signed no such policy, or had replaced it "
    "when this was made.",
    "directory-forked": "two copies hold different versions under one number: ask who "
    "signed both, and do not publish.",
    "proposal-form": "this is no proposal as tocsin directory propose makes them.",
    "proposal-base": "it starts from another version than the directory that you hold; "
    "propose it anew, or get the newest directory.",
    "proposal-bytes": "what it asks you to sign does not follow from what it says; do "
    "not sign, and ask who sent it.",
    "proposal-change": "it changes nothing, or what is not there, or mixes a suspension "
    "with what the groups decide.",
    "proposal-stale": "it is older than 30 days, or from the future; propose it anew.",
    "proposal-key": "your key signs nothing of this proposal.",
    "suspensions-form": "this is no list of suspensions as a party signs it.",
    "heartbeat-invalid": "this is no heartbeat as an issuer must sign it, and a gate "
    "pass it on.",
    "heartbeat-conflict": "this heartbeat contradicts an earlier one of its line; after "
    "a restore, type tocsin publish --new-epoch.",
    "no-longer-given": "by what holds now its member does not get this any more.",
    "message-gone": "what it was made of is not kept any more, so nobody can decide on it "
    "again.",
    "agreement-void": "persons agreed to show more under another policy, or to another "
    "view; what was held waits for them again.",
    "member-removed": "its member is not in the directory any more.",
    "delivery-invalid": "this is no delivery as the hub makes them, or its parts do not agree.",
    "proof-invalid": "this does not prove that an issuer has said two things.",
    "lost": "the hub's broker confirmed this record, and the gate never got it; publish "
    "a new version of it.",
    # sealed parts
    "sealed-shape": "a sealed part does not have the form that it must have.",
    "too-many-sealed": "more than 64 sealed parts, or more than 256 members of one.",
    "sealed-unknown": "a sealed part is of no compartment that the record states.",
    "sealed-missing": "a compartment that the record states did not come along.",
    "sealed-for-others": "nothing in it is sealed to this key.",
    "sealed-broken": "it does not open: changed, of another record or compartment, or "
    "sealed to another key.",
    "sealed-mismatch": "it holds other parts than its compartment is named by.",
    "no-sealing-key": "the directory has no key, valid now, to seal to for this member.",
    "seal-nothing": "the policy gives this member nothing of what is to be sealed.",
    "seal-repeated": "what is to be sealed stands here, too, where all may see it; take it "
    "out of this place.",
    "seal-no-compartment": "this member may have no compartment of the record as a "
    "whole; publish a new version that is sealed to it.",
    "not-sealed-here": "nothing of this record was sealed from here, or it is forgotten.",
    "nothing-to-seal": "nothing in the record is marked strictly enough to be sealed.",
    "bad-sealing-key": "this is neither an X25519 nor a hybrid key to seal to.",
    # the view
    "community": "addressed to communities that this view is not part of.",
    "kind": "this kind of record is not for this audience.",
    "in-exercise": "this member is in exercise and gets exercise records only.",
    "retention": "older than the law of this member lets it be kept.",
    "tlp-audience": "the policy gives this audience nothing under this marking.",
    "tlp-clearance": "marked stricter than the clearance.",
    "tlp-need-to-know": "TLP:AMBER goes to peers and to platforms affected.",
    "tlp-addressed-only": "TLP:AMBER+STRICT goes to organisations addressed by name.",
    "tlp-red": "TLP:RED goes sealed, to nobody else.",
    "primary-withheld": "the policy withholds the primary object, so the record.",
    "guard-visible": "a withheld value stands in an always visible place.",
    # admission
    "join-invalid": "this is no request to join as tocsin join writes it, or it asks for "
    "what nobody may ask for.",
    "welcome-invalid": "this is no answer to a request to join as tocsin welcome writes it.",
    "welcome-foreign": "this answers another request than the one in this folder; ask "
    "the hub for yours.",
    "welcome-changed": "this is not the file that the hub sent: the fingerprint differs; "
    "use nothing of it, and tell the hub.",
    "not-admitted": "the directory does not list this member with this key; admit it "
    "first: tocsin directory propose --join FILE.",
    "certificate": "the certificate is not for this key and name, not by the authority "
    "beside it, or not valid now.",
    "request-invalid": "no certificate request as it must be: signed by its own P-256 or "
    "P-384 key, and of this one name.",
    # the member's own interests
    "interest-issuer": "the member's own filter leaves its issuer out.",
    "interest-kind": "the member's own filter leaves this kind out.",
    "interest-country": "the member's own filter names none of its countries.",
    "interest-sector": "the member's own filter names none of its sectors.",
    "interest-language": "the member's own filter names none of its languages.",
    "interest-severity": "less severe than the member's own filter asks for.",
}


def explain(reason: str) -> str:
    """Give the sentence for a reason code."""
    return REASONS.get(reason, "refused.")
