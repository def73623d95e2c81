"""Real local servers that messages are sent to: a webhook as services have one, with faults on order; a mail server."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Hook", "Mail", "Request", "hook", "mail"]


@dataclass(frozen=True)
class Request:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Hook:
    """A webhook. ``faults`` are answered first, one a request: a status, with headers; or hang, close, drip."""

    url: str
    faults: list[Any] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    body: bytes = b""

    @property
    def port(self) -> int:
        """Its port on this machine."""
        return int(self.url.rpartition(":")[2])


@contextlib.contextmanager
def hook(port: int = 0) -> Iterator[Hook]:
    """A running webhook."""
    found = Hook("")
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.requests.append(Request(self.path, dict(self.headers), body, time.monotonic()))
            fault = found.faults.pop(0) if found.faults else 204
            if fault == "hang":
                ended.wait(60)
            elif fault == "drip":
                self._drip()
            elif fault == "close":
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                status, headers = fault if isinstance(fault, tuple) else (fault, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)
            self.close_connection = True

        def _drip(self) -> None:
            """A byte now and then: no read ever takes long, and the answer has no end."""
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not ended.wait(0.2):
                    self.wfile.write(b"x")
                    self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away is none of its business."""

    server = Server(("127.0.0.1", port), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mail:
    """A mail server: what it was given, and the codes with which it answers instead of taking a recipient."""

    port: int = 0
    faults: list[int] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def mail() -> Iterator[Mail]:
    """A running mail server: as much of SMTP (RFC 5321) as a client without TLS needs."""
    found = Mail()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say(220, "ready")
            while line := self.rfile.readline():
                verb = line.split(b" ", 1)[0].strip().upper()
                if verb == b"DATA":
                    self.say(354, "go on")
                    lines: list[bytes] = []
                    while (part := self.rfile.readline()) != b".\r\n":
                        lines.append(part)
                    found.messages.append(b"".join(lines))
                    self.say(250, "taken")
                elif verb == b"RCPT" and found.faults:
                    self.say(found.faults.pop(0), "no")
                elif verb == b"QUIT":
                    self.say(221, "bye")
                    return
                else:
                    self.say(250, "ok")

        def say(self, code: int, text: str) -> None:
            self.wfile.write(f"{code} {text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
