"""A RabbitMQ that the tests may use: its addresses and its management API.

The same handle stands for a private throwaway node and for a server of the
developer's own. Every method waits at most `TIMEOUT_S` and returns when
RabbitMQ has done it.
"""

import base64
import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

TIMEOUT_S = 30


class ApiError(Exception):
    """The management API did not do it.

    Attributes:
        status: HTTP status, or 0 when nothing answered.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True)
class RabbitMQ:
    """One server, one virtual host, the rights of an administrator.

    Attributes:
        amqp_url: Names user, password and virtual host.
        http_url: Root of the management API, no `/api`, no slash at the end.
    """

    amqp_url: str
    http_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "RabbitMQ | None":
        """Return the server of TOCSIN_TEST_AMQP_URL, or None when it is not set.

        TOCSIN_TEST_HTTP_URL defaults to port 15672 of the same host.
        """
        amqp_url = environ.get("TOCSIN_TEST_AMQP_URL")
        if not amqp_url:
            return None
        host = urlsplit(amqp_url).hostname or "localhost"
        host = f"[{host}]" if ":" in host else host
        http_url = environ.get("TOCSIN_TEST_HTTP_URL") or f"http://{host}:15672"
        return cls(amqp_url, http_url.rstrip("/"))

    @property
    def vhost(self) -> str:
        path = urlsplit(self.amqp_url).path
        return unquote(path[1:]) or "/"

    def url_for(self, user: str, password: str) -> str:
        """Return the AMQP URL of another user on the same virtual host."""
        parts = urlsplit(self.amqp_url)
        place = parts.netloc.rpartition("@")[2]
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return parts._replace(netloc=f"{login}@{place}").geturl()

    @contextmanager
    def fresh_vhost(self) -> Iterator["RabbitMQ"]:
        """Lend a new virtual host, deleted at the end with its queues and new users."""
        name = f"tocsin-test-{secrets.token_hex(4)}"
        parts = urlsplit(self.amqp_url)
        lent = replace(self, amqp_url=parts._replace(path=f"/{name}").geturl())
        before = self.users()
        self.request("PUT", f"/api/vhosts/{name}", {})
        try:
            lent.grant(unquote(parts.username or "guest"), ".*", ".*", ".*")
            yield lent
        finally:
            self.request("DELETE", f"/api/vhosts/{name}")
            # Users belong to the whole server: left behind, they would be in the way
            # of the next run.
            for user in self.users() - before:
                self.delete_user(user)

    def users(self) -> set[str]:
        """List the users of the whole server."""
        found = self.request("GET", "/api/users")
        assert isinstance(found, list)
        return {each["name"] for each in found}

    def create_user(self, user: str, password: str, *, tags: str = "") -> None:
        """Create or replace *user*, for the whole server."""
        self.request("PUT", _path("users", user), {"password": password, "tags": tags})

    def delete_user(self, user: str) -> None:
        self.request("DELETE", _path("users", user))

    def grant(self, user: str, configure: str, write: str, read: str) -> None:
        """Set the three patterns of *user* on this virtual host; "^$" is nothing."""
        body = {"configure": configure, "write": write, "read": read}
        self.request("PUT", _path("permissions", self.vhost, user), body)

    def grant_topic(self, user: str, exchange: str, write: str, read: str) -> None:
        """Limit the routing keys of *user* on *exchange*; others stay as free."""
        body = {"exchange": exchange, "write": write, "read": read}
        self.request("PUT", _path("topic-permissions", self.vhost, user), body)

    def import_definitions(self, definitions: Mapping[str, object]) -> None:
        """Import *definitions*, which name their virtual hosts themselves."""
        self.request("POST", "/api/definitions", definitions)

    def request(self, method: str, path: str, body: object = None) -> object:
        """Return the decoded answer, None if it is empty.

        Raises:
            ApiError: The answer is no success, or none came.
        """
        server, user = urlsplit(self.http_url), urlsplit(self.amqp_url)
        login = (
            f"{unquote(user.username or 'guest')}:{unquote(user.password or 'guest')}"
        )
        headers = {
            "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
            "Content-Type": "application/json",
        }
        connect = (
            http.client.HTTPSConnection
            if server.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = connect(server.hostname or "", server.port, timeout=TIMEOUT_S)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, server.path + path, payload, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(0, f"no answer from {self.http_url}: {error}") from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, text.decode(errors="replace"))
        return json.loads(text) if text else None


def _path(*words: str) -> str:
    return "/api/" + "/".join(quote(word, safe="") for word in words)
