"""keygen, keys: make signing keys, and look at what there is."""

from pathlib import Path

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, ask, new_passphrase
from adapters.cli.load import need_org
from broker import signers
from broker.errors import ConfigError


def keygen(
    *,
    org: str,
    out: Path,
    alg: signers.Alg = "EdDSA",
    passphrase: bool = False,
    passphrase_file: PassphraseOption = None,
    hsm: str | None = None,
    next: bool = False,
    json: bool = False,
) -> None:
    """Make a signing key.

    Writes OUT/ORG.key (private, PKCS#8 PEM, mode 0600) and OUT/ORG.jwk (public).

    Args:
        org: Organisation name: lower case letters, digits, hyphens.
        out: Folder for both files.
        alg: EdDSA, or ES256 where a key store knows P-256 only.
        passphrase: Ask for a passphrase, and put the private key under it.
        passphrase_file: The same, with the passphrase of this file (mode 0600).
        hsm: Make the key in a token instead, under this name:
            pkcs11:token=...;object=...?module-path=/...&pin-source=/...; the private
            key never leaves it, so OUT/ORG.jwk alone is written.
        next: Where there are keys of this name already, make ORG.2.key, ORG.3.key
            beside them, to go over from one to the other.
        json: Print JSON.
    """
    need_org(org)
    name = signers.free_name(org, out) if next else org
    private, public = str(out / f"{name}.key"), out / f"{name}.jwk"
    if hsm is None:
        secret = new_passphrase(passphrase_file, wanted=passphrase)
        signer = signers.generate(org, out, alg, passphrase=secret, name=name)
    elif passphrase or passphrase_file is not None:
        raise ConfigError("a key in a token has a PIN (pin-source=), no passphrase")
    else:
        private = hsm
        signer = signers.generate_in_token(org, hsm, public, alg, ask=ask)
    if json:
        show.json_line(
            {"ok": True, "kid": signer.kid, "private": private, "public": str(public)}
        )
    elif hsm is None:
        show.line(f"key {signer.kid}: keep {private} secret, share {public}")
    else:
        show.line(f"key {signer.kid}: it stays in the token, share {public}")
