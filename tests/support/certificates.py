"""Certificates for local servers, made anew for each test."""

from datetime import UTC, datetime

from broker.certificates import issue_server, load_ca, make_ca


def certificate(folder, name):
    """Write key, certificate and authority of a host into one file: `<name>.pem`."""
    now = datetime.now(UTC)
    ca = make_ca(f"Authority of {name}", now=now)
    made = issue_server([name], ca=load_ca(ca.key, ca.public), now=now)
    path = folder / f"{name}.pem"
    path.write_bytes(made.key + made.public + ca.public)
    return path
