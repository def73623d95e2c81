"""A real receiver of spans on this machine: as much of OTLP over HTTP as an exporter needs."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Collector", "collector"]


@dataclass
class Collector:
    """What was received: every span, and the resource it is of; ``status`` is what is answered."""

    url: str = ""
    status: int = 200
    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)

    def tree(self) -> set[tuple[str, ...]]:
        """The paths of names from a root down to each span."""
        by_id = {one.span_id: one for one in self.spans}

        def path(one: Any) -> tuple[str, ...]:
            above = by_id.get(one.parent_span_id)
            return (*(() if above is None else path(above)), one.name)

        return {path(one) for one in self.spans}


def attributes(one: Any) -> dict[str, str]:
    """Of a span or a resource."""
    return {pair.key: pair.value.string_value for pair in one.attributes}


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    """A running receiver."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces", self.path
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found.resources.append(attributes(of_resource.resource))
                found.spans += [one for scope in of_resource.scope_spans for one in scope.spans]
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
