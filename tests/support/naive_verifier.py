"""An independent verifier, from docs/protocol.md alone, in its order: slow, naive, no line of ours.

Keys are taken as read, so no `bad-key`; of level "stix" only what other checks rest on."""

# A rule of the page is a line here, so that both can be read side by side:
# fmt: off
# ruff: noqa: E401, E701, I001  for the same reason
import base64, hashlib, ipaddress, json, pathlib, re, uuid
from datetime import datetime
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

class Refused(Exception): """Its argument is the reason code."""  # noqa: N818  a verdict, no fault
def need(**rules):
    for reason, kept in rules.items():
        if not kept: raise Refused(reason.replace("_", "-"))
    return True
# -- section 1: strict base64url, strict JSON
BASE64URL = rb"([\w-]{4})*([\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?"  # \w of bytes is ASCII alone
def unb64(text): return need(bad_base64=re.fullmatch(BASE64URL, text)) and base64.urlsafe_b64decode(text + b"==")
def sha(text): return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
STRICT = {"object_pairs_hook": lambda pairs: need(duplicate_key=len(dict(pairs)) == len(pairs)) and dict(pairs),
          "parse_constant": int,  # which fails at NaN
          "parse_int": lambda text: need(number_range=abs(float(text)) < 2**53) and int(text),
          "parse_float": lambda text: need(number_range=abs(float(text)) < float("inf")) and float(text)}
FAULTS = {UnicodeDecodeError: "not-utf8", UnicodeEncodeError: "surrogate", RecursionError: "too-deep"}
def parse(data):
    try: return json.loads(json.dumps(json.loads(data.decode(), **STRICT), ensure_ascii=False).encode())  # no half pair
    except (ValueError, RecursionError) as fault: raise Refused(FAULTS.get(type(fault), "not-json")) from None
# -- sections 3 and 5: tables and forms
PAGE = (pathlib.Path(__file__).parents[2] / "docs/protocol.md").read_text("utf-8")
PARTS = dict(re.findall(r"<!-- made: (\S+) -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL))
def words(text): return re.findall("`(.+?)`", text)
def table(name):
    rows = [row.split("|")[1:3] for row in PARTS[name].splitlines()[2:]]
    return {key: {*words(right)} for left, right in rows for key in (words(left) if left[1] == "`" else [left.strip()])}
KINDS, VISIBLE, IN_EXTENSION, MARKINGS = map(table, ("kinds", "visible", "extensions", "tlp"))
EVERY, PRIMARY, OWN = (VISIBLE.pop(of) for of in [*VISIBLE] if " " in of)  # rows of no single type
TEXTS, SPLIT, DAYS = (words(PARTS[name]) for name in ("texts", "split", "coarse-times"))
TLP = {f"marking-definition--{each}": tlp for tlp, ids in MARKINGS.items() for each in ids}
NETWORKS = {("ipv4-addr", "value"): (ipaddress.IPv4Network, 24), ("ipv6-addr", "value"): (ipaddress.IPv6Network, 48)}
TIME, ORG = r"[0-9-]{10}T(?!24)[0-9:]{8}(\.[0-9]{1,9})?Z", "urn:tocsin:org:[a-z][a-z0-9-]{1,40}"
HASH, SELECTOR = "[A-Za-z0-9_-]{43}", r"[a-z0-9_-]{1,250}(\.(\[[0-9]{1,9}\]|[A-Za-z0-9_-]{1,100})){0,16}"
FORMS = {"lang": "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}", "pattern_version": r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}"}
UUID = "x{8}-x{4}-[1-8]x{3}-[89ab]x{3}-x{12}".replace("x", "[0-9a-f]")
def array(form, most=2**24): return rf'\[\]|\["({form})"(, "({form})"){{0,{most - 1}}}\]'
REQUIRED = {"iss": f'"{ORG}"', "iat": "[0-9]+", "exp": "[0-9]+", "ver": f'"{TIME}"', "vct": '".*"', "stix": ".*",
    "sub": f'(?=.{{0,152}}$)"[a-z][a-z0-9-]{{2,249}}--{UUID}"', "full": f'"{HASH}"', "exercise": "true|false",
    "aud": r"(?!\[\])" + array("urn:[a-z0-9][a-z0-9-]{1,31}:[a-zA-Z0-9:._-]{1,200}", 50),
    "kind": f'"({"|".join(KINDS)}|heartbeat)"', "tlp": f'"({"|".join(map(re.escape, MARKINGS))})"',
    "severity": '"(unknown|none|low|moderate|high|extreme)"', "sectors": array("[a-z0-9-]{1,60}", 300),
    "countries": array("[A-Z]{2}", 300), "languages": array("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", 300)}
WITHHOLDABLE = {"to": array(ORG), "concerns": array(ORG), "feed": '".*"', "seq": "[1-9][0-9]*", "prev": f'"({HASH})?"'}
CLAIMS = REQUIRED | WITHHOLDABLE | {"sup": f'"{HASH}"'}  # forms of what `json.dumps` spells

def verify(token, keys, *, now, first_seen=None):
    """Give what a reader may believe of *token*, or raise `Refused`. Times are epoch seconds."""
    jwt, *texts = token.split(b"~")  # step 1
    need(too_large=len(token) <= 2**24, framing=jwt.count(b".") == 2 and texts and texts.pop() == b"")
    header, payload, signature = jwt.split(b".")
    need(too_many_disclosures=len(texts) <= 2**16, header=len(header) <= 1024)
    entry = entry_of(unb64(header), {entry["kid"]: entry for entry in keys})  # step 2
    need(signature=holds(entry["jwk"], unb64(signature), header + b"." + payload))  # step 3
    decoded = [unb64(text) for text in (payload, *texts)]
    need(too_many_values=sum(text.count(mark) for text in decoded for mark in (b",", b"[", b"{")) <= 500_000)
    tree = parse(decoded[0])  # step 4
    need(payload=type(tree) is dict) and need(sd_alg=tree.pop("_sd_alg", "sha-256") == "sha-256")
    given = {sha(text): parse(unb64(text)) for text in texts}  # step 5
    need(duplicate_disclosure=len(given) == len(texts), disclosure_shape=all(type(p) is list and p for p in given.values()))
    need(short_salt=all(type(salt) is str and len(salt) >= 22 for salt, *_ in given.values()))
    nodes, hidden, gaps = placed(tree, given)
    need(claims=REQUIRED.keys() <= tree.keys() <= CLAIMS.keys())  # step 7
    need(claims=all(re.fullmatch(CLAIMS[name], json.dumps(value)) for name, value in tree.items()))
    kind, stix, of = tree["kind"], tree["stix"], {kind for kind in KINDS if tree["sub"][:-38] in KINDS[kind]}
    need(claims=max(tree["iat"], tree["exp"]) <= 2**40 and len(tree.get("feed", "")) <= 200 and type(stix) is dict)
    need(claims=stix | {"objects": 0} == {"type": "bundle", "objects": 0} and type(stix.get("objects")) is list)
    wanted = {kind} | (of if kind in ("correction", "retraction") else set())
    need(vct=tree["vct"] == "urn:tocsin:record:1", kind_mismatch=kind == "heartbeat" or (of and of <= wanted))
    need(iss_kid=tree["iss"] == f"urn:tocsin:org:{entry['org']}", kind_not_allowed=wanted <= {*entry["kinds"]})  # step 8
    need(issued_in_future=tree["iat"] <= now + 120, expired=tree["exp"] >= now)  # step 9
    seen, revoked = now if first_seen is None else first_seen, entry["revoked_at"]
    need(key_not_valid=entry["not_before"] <= tree["iat"] <= entry["not_after"], key_revoked=revoked is None or seen < revoked)
    need(claims=coarse_of("", "first_seen", tree["ver"]))  # what has a day is a time
    need(version_in_future=datetime.fromisoformat(tree["ver"]).timestamp() <= now + 120)  # cut at the microsecond
    objects = judged(nodes, hidden, gaps)
    types, complete = {each["type"] for each in objects}, sha("~".join(sorted(given)).encode()) == tree["full"]  # step 12
    need(no_behaviour=not complete or "attack-pattern" in types or not types & {"narrative", "channel", "media-content"})
    need(duplicate_id=len({each["id"] for each in objects}) == len(objects))  # step 13
    for primary in [each for each in objects if each["id"] == tree["sub"]]:
        tlps = [tlp for ref, tlp in TLP.items() if ref in primary.get("object_marking_refs", [])]
        need(version_mismatch=primary.get("modified") == tree["ver"], tlp_mismatch=tlps[-1:] == [tree["tlp"]])
        need(not_revoked=primary.get("revoked") is True or kind != "retraction")
    return {"issuer": entry["org"], "kid": entry["kid"], "token_id": sha(header + b"." + payload), "complete": complete,
            "claims": {name: tree[name] for name in tree.keys() - {"stix"}}, "objects": objects, "withheld": len(gaps)}

def entry_of(data, entries):  # step 2
    try: header = parse(data)
    except Refused: raise Refused("header") from None
    need(header=type(header) is dict and {n: type(v) for n, v in header.items()} == {"alg": str, "kid": str, "typ": str})
    need(typ=header["typ"] == "vnd.tocsin.record+sd-jwt", unknown_key=header["kid"] in entries)
    need(alg=header["alg"] in {"OKP": ("EdDSA", "Ed25519"), "EC": ("ES256",)}[entries[header["kid"]]["jwk"]["kty"]])
    return entries[header["kid"]]

def holds(jwk, signature, signed):  # step 3
    x, y = (unb64(jwk.get(name, "").encode()) for name in "xy")
    height = int.from_bytes(signature[:32], "little") % 2**255  # of R; the order of a point shows in its y
    small = height * (height**2 - 1) * (121666 * (2 * height**2 - 1) - 121665 * height**4) % (2**255 - 19) == 0
    der = utils.encode_dss_signature(*(int.from_bytes(half, "big") for half in (signature[:32], signature[32:])))
    try:
        if jwk["kty"] == "OKP": return not (small or ed25519.Ed25519PublicKey.from_public_bytes(x).verify(signature, signed))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + x + y)  # SEC 1, 2.3.3
        return not key.verify(der, signed, ec.ECDSA(SHA256())) and len(signature) == 64
    except InvalidSignature: return False

def placed(tree, given):  # step 6: what stands at each path, whether disclosed; for each gap the path of what has it
    nodes, hidden, seen, reserved = {}, {}, {}, {"_sd", "...", "_sd_alg", "__proto__", ""}
    def found(path, digest, size):
        need(digest_shape=type(digest) is str and len(digest) == 43 and re.fullmatch(BASE64URL, digest.encode()))
        need(duplicate_digest=digest not in seen, disclosure_shape=len(given.get(digest, "-" * size)) == size)
        seen[digest] = path
        return given.get(digest)
    def walk(path, value, disclosed=False):
        need(too_deep=len(path) < 32 or type(value) not in (dict, list))
        nodes[path], hidden[path] = value, disclosed
        if type(value) is dict:
            digests = value.pop("_sd", [])
            need(sd_shape=type(digests) is list, reserved_name=not value.keys() & reserved)
            for name in value: walk((*path, name), value[name])
            for _, name, inner in filter(None, (found(path, digest, 3) for digest in digests)):
                need(disclosure_shape=type(name) is str)
                need(reserved_name=name not in reserved, shadowed_name=name not in value)
                value[name] = inner
                walk((*path, name), inner, disclosed=True)
        if type(value) is list:
            cut = [type(each) is dict and "..." in each and need(sd_shape=len(each) == 1) for each in value]
            parts = [found(path, each["..."], 2) if is_cut else [each] for each, is_cut in zip(value, cut, strict=True)]
            value[:] = [each[-1] for each in parts if each]
            for index, each in enumerate(filter(None, parts)): walk((*path, index), each[-1], disclosed=len(each) == 2)
    walk((), tree)
    need(unreferenced_disclosure=given.keys() <= seen.keys())
    return nodes, hidden, [path for digest, path in seen.items() if digest not in given]

def withholdable(path, nodes):  # section 5; "" is the name of what is withheld
    if path[:2] != ("stix", "objects"): return path in [(name,) for name in (*WITHHOLDABLE, "")]
    if len(path) < 4: return len(path) == 3
    known = path[3] == "extensions" and path[4:] and path[4] in IN_EXTENSION and type(nodes.get(path[:5])) is dict
    match path[5:] if known else path[3:]:
        case (str(name),): return name not in (IN_EXTENSION[path[4]] if known else visible(nodes[path[:3]], nodes[()]))
        case (str(name), int()): return is_split(name) or (name in TEXTS and not known)
        case inner: return inner[:1] == ("extensions",) and len(inner) == 2
def is_split(name): return name in SPLIT or (str(name).endswith("_refs") and name != "object_marking_refs")
def visible(node, claims):
    own = f"identity--{uuid.uuid5(uuid.UUID('9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab'), claims['iss'])}"
    names = EVERY | VISIBLE.get(str(node.get("type")), set())
    names |= PRIMARY if node.get("id") == claims["sub"] else set()
    return names | (OWN if node.get("created_by_ref") == own else set())

def judged(nodes, hidden, gaps):  # steps 10 and 11: the plain objects
    for path, value in nodes.items():
        free, inner = withholdable(path, nodes), path[3:] if path[:2] == ("stix", "objects") else ()
        alone = inner[1:] and is_split(path[-2]) and len(nodes[path[:-1]]) + gaps.count(path[:-1]) == 1
        need(visible_as_disclosure=free or not hidden[path], not_withholdable=hidden[path] or alone or not free)
        need(too_large=type(value) is not str or len(value) <= 2**20)
        if path[:2] == ("stix", "objects") and len(path) == 3:
            need(not_stix=type(value) is dict and type(value.get("type")) is str and value["type"] != "bundle")
            need(missing_property="id" in value, bad_id=type(value.get("id")) is str)
    need(sd_shape=all(withholdable((*path, "" if type(nodes[path]) is dict else 0), nodes) for path in gaps))
    for path, value in [(path, value) for path, value in nodes.items() if path[:2] == ("stix", "objects")]:
        match path[3:]:
            case ("object_marking_refs",): need(bad_property=type(value) is list)
            case ("granular_markings", _, "selectors", _):
                need(bad_selector=type(value) is str and re.fullmatch(SELECTOR, value))
            case ("object_marking_refs", _) | ("granular_markings", _, "marking_ref"):
                need(needs_sealing=TLP.get(str(value)) != "RED")
            case (name,) if name == "lang" or name in VISIBLE.get(nodes[path[:3]]["type"], set()) - {"valid_until", "is_family"}:
                need(bad_property=type(value) is str and re.fullmatch(FORMS.get(name, "[A-Za-z][A-Za-z0-9_-]{0,39}"), value))
            case ("extensions", key, name) if name in IN_EXTENSION.get(key, ()):
                need(bad_property=re.fullmatch('"[a-z-]{1,40}"', json.dumps(value)))
            case (name,) if name.startswith("x_tocsin_coarse_"):
                exact = nodes.get((*path[:3], name[16:]), f"{value}T00:00:00Z" if name[16:] in DAYS else value)
                need(coarse=value and coarse_of(nodes[path[:3]]["type"], name[16:], exact) == value)
    for path in [path for path, value in nodes.items() if path[:2] == ("stix", "objects") and type(value) is list]:
        owner, name, count = nodes[path[:-1]], path[-1], len(nodes[path]) + gaps.count(path)
        if len(path) == 4 and name in TEXTS: owner[name] = joined(nodes[path], count)
        elif count and not nodes[path] and is_split(name): del owner[name]
    return nodes["stix", "objects"]

def joined(text, count):  # section 5, texts: *count* segments, those that are withheld included
    need(segments=all(type(each) is list and [*map(type, each)] == [int, int, str] for each in text))
    shown = {index: words for index, _, words in text}
    need(segments=count > 1 and [each[:2] for each in text] == [[i, count] for i in range(count) if i in shown])
    whole = "".join(shown.get(i, "[withheld]") for i in range(count) if i in shown or i == 0 or i - 1 in shown)
    return need(too_large=len(whole) <= 2**20) and whole

def coarse_of(kind, name, exact):  # section 5, coarse values; None if it has none
    try:
        if name in DAYS: return re.fullmatch(TIME, exact) and str(datetime.fromisoformat(exact).date())
        make, bits = NETWORKS[kind, name]
        return str(make(exact, strict=False).supernet(new_prefix=bits))
    except (KeyError, TypeError, ValueError): return None
