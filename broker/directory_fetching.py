"""Fetches the files of a directory: from a folder, or by HTTP. Edge.

TUF protects what is fetched (`broker.directory_client`), so a fetcher only sees to
it that nobody is kept waiting: bounds are of time, and ngclient has those of size.
"""

import http.client
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface

_CHUNK_BYTES: Final = 64 << 10
_ANSWER_S: Final = 15.0  # without a byte
_TOTAL_S: Final = 300.0  # one refresh, all its files


def fetcher_for(url: str) -> FetcherInterface:
    """Give what fetches below *url*, for one refresh."""
    return FileFetcher() if urlsplit(url).scheme == "file" else HttpFetcher()


class FileFetcher(FetcherInterface):
    """Reads `file:///…`: a folder, a mounted share, a memory stick."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(unquote(urlsplit(url).path))
        try:
            # Whoever opens a pipe waits for its writer.
            if not stat.S_ISREG(path.stat().st_mode):
                raise DownloadError("no regular file")
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, NotADirectoryError):
            # How ngclient learns that there is no newer root.
            raise DownloadHTTPError("no such file", 404) from None
        except OSError as error:
            raise DownloadError(f"not readable: {error.strerror}") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: who is pinned in the configuration is who is asked."""
        return


class HttpFetcher(FetcherInterface):
    """Asks one web server, never another."""

    def __init__(
        self, *, answer_s: float = _ANSWER_S, total_s: float = _TOTAL_S
    ) -> None:
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._answer_s = answer_s
        self._until = time.monotonic() + total_s

    def _fetch(self, url: str) -> Iterator[bytes]:
        request = urllib.request.Request(  # noqa: S310  the scheme is checked
            url, headers={"User-Agent": "tocsin", "Accept-Encoding": "identity"}
        )
        try:
            with self._opener.open(request, timeout=self._left()) as answer:
                # At most what came so far: a server that drips bytes meets the end.
                while chunk := answer.read1(_CHUNK_BYTES):
                    self._left()
                    yield chunk
        except urllib.error.HTTPError as error:
            with error:
                raise DownloadHTTPError(f"HTTP {error.code}", error.code) from None
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(f"no answer ({type(error).__name__})") from None

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise DownloadError("it takes too long")
        return min(left, self._answer_s)


class KeptFetcher(FetcherInterface):
    """Says what an earlier refresh left in *folder*, and that nothing is newer."""

    def __init__(self, folder: Path) -> None:
        self._files = FileFetcher()
        self._timestamp = folder / "timestamp.json"

    def _fetch(self, url: str) -> Iterator[bytes]:
        # ngclient asks for the timestamp alone always; the rest it finds.
        if url.endswith("/timestamp.json"):
            return self._files.fetch(self._timestamp.absolute().as_uri())
        raise DownloadHTTPError("nothing is newer", 404)
