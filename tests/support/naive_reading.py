"""Of the independent verifier (`naive_verifier`): strict base64url and JSON, the forms of protocol.json."""

# fmt: off
import base64, hashlib, json, math, pathlib, re
from jsonschema import Draft4Validator, Draft202012Validator, validators

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
          "parse_int": lambda text: need(number_range=abs(float(text)) < 2**53) and int(text),
          "parse_float": lambda text: need(number_range=math.isfinite(float(text))) and float(text), "parse_constant": int}
FAULTS = {UnicodeDecodeError: "not-utf8", UnicodeEncodeError: "surrogate", RecursionError: "too-deep",
          json.JSONDecodeError: "not-json", ValueError: "not-json"}  # the last from `int`, at NaN
def parse(data, reason=None):
    try: return json.loads(json.dumps(json.loads(data.decode(), **STRICT), ensure_ascii=False).encode())  # no half pair
    except (Refused, *FAULTS) as fault: raise Refused(reason or FAULTS.get(type(fault), fault.args[0])) from None
PAGE = json.loads((pathlib.Path(__file__).parents[2] / "docs/protocol.json").read_bytes())  # of sections 2 to 5
Schema = validators.extend(Draft202012Validator, type_checker=Draft4Validator.TYPE_CHECKER)  # to which 1.0 is no integer
def fits(what, value): return need(**{reason: Schema(form).is_valid(value) for reason, form in PAGE["forms"][what].items()})
def values(texts): return sum(text.count(mark) for text in texts for mark in (b",", b"[", b"{"))
def apart(token):  # section 8: the token of the first signature, and the others
    if token[:1] != b"{": return token, []
    need(too_large=len(token) <= 2**24, too_many_values=values([token]) <= 500_000)
    first, *others = fits("carried", whole := parse(token)) and whole["signatures"]
    jwt = f"{first['protected']}.{whole['payload']}.{first['signature']}"
    return "~".join([jwt, *first["header"]["disclosures"], ""]).encode(), others
