"""Put on the path of Python's processes by tests: what goes to a service's own host goes to SERVICES_HERE instead.

Path, query, headers and body stay as they are; the host it was meant for is in the header X-Meant-For.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any
from urllib.parse import urlsplit


class _Diverted(MetaPathFinder):
    """Changes the way out of requests as soon as Apprise is imported, and nothing before."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "apprise":
            sys.meta_path.remove(self)
            from requests import PreparedRequest
            from requests.adapters import HTTPAdapter

            send = HTTPAdapter.send

            def diverted(self: HTTPAdapter, request: PreparedRequest, *options: Any, **named: Any) -> Any:
                meant = urlsplit(request.url or "")
                if meant.scheme == "https":
                    query = f"?{meant.query}" if meant.query else ""
                    request.url = f"{os.environ['SERVICES_HERE']}{meant.path}{query}"
                    request.headers["X-Meant-For"] = meant.netloc
                return send(self, request, *options, **named)

            HTTPAdapter.send = diverted  # type: ignore[method-assign]  # there is no other way out


if os.environ.get("SERVICES_HERE"):
    sys.meta_path.insert(0, _Diverted())
