"""HTTP/1.1 as uvicorn speaks it, with a bound on the head of a request and problem documents for what is no HTTP."""

from __future__ import annotations

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from civiloop_shared.edge.headers import API_HEADERS, NO_STORE
from civiloop_shared.edge.problems import problem
from civiloop_shared.errors import CiviloopError, HeadersTooLargeError, MalformedError
from civiloop_shared.observability.trace import new_trace, set_current_trace

LARGEST_HEAD = 64 * 1024
"""Bytes that the address and all headers of one request may have together."""
_LARGEST_UNREAD = 4 * LARGEST_HEAD
_TOO_LARGE = 431


class EdgeProtocol(HttpToolsProtocol):
    """One connection. The parser itself takes heads of any size and would keep all of it in memory."""

    _unread = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """Parse what came; give up on a head that does not end."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._unread += len(data)
            if self._unread > _LARGEST_UNREAD:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._unread = True, 0

    def on_headers_complete(self) -> None:
        """Hand the request to the app, unless its head is too large: then the parser stops here."""
        if self._head_size() > LARGEST_HEAD:
            raise HeadersTooLargeError
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and close."""
        if self._in_head and max(self._head_size(), self._unread) > LARGEST_HEAD:
            self._refuse_head()
        else:
            self._refuse(400, MalformedError, "not valid HTTP")

    def _head_size(self) -> int:
        return len(getattr(self, "url", b"")) + sum(len(name) + len(value) for name, value in self.headers or ())

    def _refuse_head(self) -> None:
        self._refuse(_TOO_LARGE, HeadersTooLargeError, f"at most {LARGEST_HEAD} bytes are taken")

    def _refuse(self, status: int, error: type[CiviloopError], detail: str) -> None:
        set_current_trace(new_trace())
        response = problem(status, error.code, error.title, detail=detail)
        phrase = HTTPStatus(status).phrase.encode()
        headers = [*response.raw_headers, *API_HEADERS, NO_STORE, (b"connection", b"close")]
        head = b"".join(b"%s: %s\r\n" % pair for pair in headers)
        self.transport.write(b"HTTP/1.1 %d %s\r\n%s\r\n" % (status, phrase, head) + bytes(response.body))
        self.transport.close()
