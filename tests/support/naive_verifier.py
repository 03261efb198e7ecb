"""An independent verifier, from docs/protocol.md and protocol.json alone, a rule a line: slow, naive, no line of ours.

Keys are taken as read, so no `bad-key`; of level "stix" only what other checks rest on."""

# fmt: off
import contextlib, ipaddress, re, uuid
from datetime import datetime
from cryptography.exceptions import InvalidSignature
from jwcrypto import jwa, jwk
from tests.support.naive_reading import PAGE, Refused, apart, fits, need, parse, sha, unb64, values

NETWORKS = {("ipv4-addr", "value"): (ipaddress.IPv4Network, 24), ("ipv6-addr", "value"): (ipaddress.IPv6Network, 48)}
TIME = r"[0-9-]{10}T(?!24)[0-9:]{8}(\.[0-9]{1,9})?Z"

def urn(entry): return f"urn:tocsin:org:{entry['org']}"

def verify(token, keys, *, now, first_seen=None):
    """Give what a reader may believe of *token*, or raise `Refused`. Times are epoch seconds."""
    token, others = apart(token)
    jwt, *texts = token.split(b"~")  # step 1
    need(too_large=len(token) <= 2**24, framing=jwt.count(b".") == 2 and texts and texts.pop() == b"")
    need(too_many_disclosures=len(texts) <= 2**16)
    header, payload, signature = jwt.split(b".")
    entry = signer(header, payload, signature, keys)
    need(too_many_values=values([unb64(payload), *map(unb64, texts)]) <= 500_000)
    tree = parse(unb64(payload))  # step 4
    need(payload=type(tree) is dict) and need(sd_alg=tree.pop("_sd_alg", "sha-256") == "sha-256")
    given = {sha(text): parse(unb64(text)) for text in texts}  # step 5
    need(duplicate_disclosure=len(given) == len(texts))
    for parts in given.values(): fits("disclosure", parts)
    cuts = placed(tree, given)
    fits("claims", tree)  # step 7
    joint = tree.get("need", {"threshold": 1, "iss": [tree["iss"]]})
    need(claims=tree["iss"] in joint["iss"] and joint["threshold"] <= len(joint["iss"]))
    kind, of = tree["kind"], PAGE["kinds"].get(tree["sub"][:-38])
    wanted = {kind, of} if kind in ("correction", "retraction") else {kind}
    need(kind_mismatch=kind == "heartbeat" or (of and of in wanted))
    need(no_lead=urn(entry) == tree["iss"] or urn(entry) not in joint["iss"], iss_kid=tree["iss"] == urn(entry))  # step 8
    need(issued_in_future=tree["iat"] <= now + 120, expired=tree["exp"] >= now)  # step 9
    def judge(who):
        seen, revoked = now if first_seen is None else first_seen, who["revoked_at"]
        need(key_not_valid=who["not_before"] <= tree["iat"] <= who["not_after"], key_revoked=revoked is None or seen < revoked)
        out = [any(a <= seen and (b is None or seen < b) for a, b in who.get(name, [])) for name in ("suspended", "key_suspended")]
        need(member_suspended=not out[0], key_suspended=not out[1])
        return need(kind_not_allowed=wanted <= {*who["kinds"]}, exercise_only=tree["exercise"] or not who.get("exercise"))
    entries, valid = [entry], [judge(entry)]
    need(claims=coarse_of("", "first_seen", tree["ver"]))  # what has a day is a time
    need(version_in_future=datetime.fromisoformat(tree["ver"]).timestamp() <= now + 120)  # cut at the microsecond
    objects = judged(tree, dict(cuts))
    record, complete = {**tree, "objects": objects}, sha("~".join(sorted(given)).encode()) == tree["full"]  # step 12
    fits("record", record) and complete and fits("complete", record)
    need(duplicate_id=len({each["id"] for each in objects}) == len(objects))  # step 13
    for primary in [each for each in objects if each["id"] == tree["sub"]]:
        tlps = [tlp for tlp, ids in PAGE["tlp"].items() for each in ids if each in primary.get("object_marking_refs", [])]
        need(version_mismatch=primary.get("modified") == tree["ver"], tlp_mismatch=tlps[-1:] == [tree["tlp"]])
        need(not_revoked=primary.get("revoked") is True or kind != "retraction")
    for each in others:  # step 14
        entries.append(signer(each["protected"].encode(), payload, each["signature"].encode(), keys))
        need(foreign_cosigner="need" in tree and urn(entries[-1]) in joint["iss"], duplicate_signer=len({*map(urn, entries)}) == len(entries))
        with contextlib.suppress(Refused): valid.append(judge(entries[-1]))
    need(partial=len(valid) >= joint["threshold"])
    return {"issuer": entry["org"], "kid": entry["kid"], "token_id": sha(header + b"." + payload), "complete": complete,
            "claims": tree, "objects": objects, "withheld": sum(gaps for _, gaps in cuts.values()),
            **({"signers": [each["org"] for each in entries]} if others else {})}

def signer(header, payload, signature, keys):  # steps 2 and 3
    said = need(header=len(header) <= 1024) and parse(unb64(header), "header")
    entry = fits("header", said) and {entry["kid"]: entry for entry in keys}.get(said["kid"])
    need(unknown_key=entry) and need(alg=said["alg"] in PAGE["algorithms"][entry["jwk"]["kty"]])
    return need(signature=holds(said["alg"], entry["jwk"], unb64(signature), header + b"." + payload)) and entry

def holds(alg, key, signature, signed):  # step 3
    y = int.from_bytes(signature[:32], "little") % 2**255  # of R, and the order of a point shows in its y
    small = y * (y**2 - 1) * (121666 * (2 * y**2 - 1) - 121665 * y**4) % (2**255 - 19) == 0
    if len(signature) != 64 or (key["kty"] == "OKP" and small): return False
    try: return not jwa.JWA.signing_alg(alg).verify(jwk.JWK(**key), signed, signature)
    except InvalidSignature: return False

def placed(tree, given):  # step 6: for each object and array, by its id, which parts are disclosed, and how many are gaps
    cuts, seen, reserved = {}, set(), {"_sd", "...", "_sd_alg", "__proto__", ""}
    def found(digest, shape, depth):  # nothing for a gap
        fits("digest", digest) and need(duplicate_digest=digest not in seen)
        seen.add(digest)
        if digest in given: fits(shape, given[digest])
        return [*given[digest][:-1], walk(given[digest][-1], depth)] if digest in given else []
    def walk(value, depth):
        need(too_deep=depth <= 32 or type(value) not in (dict, list))
        if type(value) is dict:
            digests = value.pop("_sd", [])
            for inner in value.values(): walk(inner, depth + 1)
            parts = need(sd_shape=type(digests) is list) and [found(digest, "property", depth + 1) for digest in digests]
            names = [*value, *(part[1] for part in parts if part)]
            need(reserved_name=not reserved & {*names}, shadowed_name=len({*names}) == len(names))
            cuts[id(value)] = {*names} - value.keys(), parts.count([])
            value.update(part[1:] for part in parts if part)
        if type(value) is list:
            parts = [[walk(each, depth + 1)] if type(each) is not dict or "..." not in each
                     else need(sd_shape=len(each) == 1) and found(each["..."], "element", depth + 1) for each in value]
            value[:] = [part[-1] for part in parts if part]
            cuts[id(value)] = {at for at, part in enumerate(filter(None, parts)) if len(part) == 2}, parts.count([])
        return value
    walk(tree, 1)
    return need(unreferenced_disclosure=given.keys() <= seen) and cuts

def judged(tree, cuts):  # steps 10 and 11: the plain objects
    def cut(place, fixed=(), split=False):  # disclosed is what is not fixed; gives the number of parts
        shown, gaps = cuts.pop(id(place))
        free = {*range(len(place))} if type(place) is list else place.keys() - fixed
        need(visible_as_disclosure=shown <= free, not_withholdable=free <= shown or (split and len(place) + gaps == 1))
        return len(place) + gaps
    def gone_through(place, fixed, texts=()):
        cut(place, fixed)
        fits("visible", {name: place[name] for name in place.keys() & fixed})
        for name, value in [(name, value) for name, value in place.items() if type(value) is list]:
            is_split = name in PAGE["split"] or (name.endswith("_refs") and name != "object_marking_refs")
            if name in texts: place[name] = joined(value, cut(value))
            elif is_split and cut(value, split=True) and not value: del place[name]
    own = f"identity--{uuid.uuid5(uuid.UUID('9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab'), tree['iss'])}"
    cut(tree, tree.keys() - PAGE["withholdable"])
    cut(tree["stix"]["objects"])
    for each in tree["stix"]["objects"]:
        fits("object", each)
        fixed = {*PAGE["visible"], *PAGE["visible_in_type"].get(each["type"], [])}
        if each["id"] == tree["sub"]: fixed |= {*PAGE["visible_in_primary"]}
        if each.get("created_by_ref") == own: fixed |= {*PAGE["visible_in_own"]}
        gone_through(each, fixed, PAGE["texts"])
        if type(extensions := each.get("extensions")) is dict:
            known = {key: names for key, names in PAGE["visible_in_extension"].items() if type(extensions.get(key)) is dict}
            cut(extensions, known)
            for key, names in known.items(): gone_through(extensions[key], names)
        for name, value in [(name[16:], value) for name, value in each.items() if name.startswith("x_tocsin_coarse_")]:
            exact = each.get(name, f"{value}T00:00:00Z" if name in PAGE["coarse_times"] else value)
            need(coarse=value and coarse_of(each["type"], name, exact) == value)
    for shown, gaps in cuts.values(): need(visible_as_disclosure=not shown, sd_shape=not gaps)
    return tree.pop("stix")["objects"]

def joined(text, count):  # section 5, texts: *count* segments, those that are withheld included
    fits("text", text)
    shown = {index: words for index, _, words in text}
    need(segments=count > 1 and [each[:2] for each in text] == [[i, count] for i in range(count) if i in shown])
    whole = "".join(shown.get(i, "[withheld]") for i in range(count) if i in shown or i == 0 or i - 1 in shown)
    return need(too_large=len(whole) <= 2**20) and whole

def coarse_of(kind, name, exact):  # section 5, coarse values; None if it has none
    try:
        if name in PAGE["coarse_times"]: return re.fullmatch(TIME, exact) and str(datetime.fromisoformat(exact).date())
        make, bits = NETWORKS[kind, name]
        return str(make(exact, strict=False).supernet(new_prefix=bits))
    except (KeyError, TypeError, ValueError): return None
