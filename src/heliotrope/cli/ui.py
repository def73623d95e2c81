"""The pages of the web, run alone."""

from __future__ import annotations

import ipaddress
import os
import socket
from importlib.util import find_spec
from types import FrameType
from typing import Annotated

import typer

from heliotrope.cli import options
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError

__all__ = ["ui"]

_VARIABLE = "HELIOTROPE_UI_TOKEN"


def ui(
    pipelines: Annotated[
        list[str] | None,
        typer.Argument(metavar="PIPELINE", help="Names or YAML files; absent: all on record.", show_default=False),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0 for a free one.")] = 8470,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="What one signs in with, or NAME:TOKEN, by commas where they are several; else "
            "HELIOTROPE_UI_TOKEN. Any address but this machine's own takes one.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A name it is reached by, beside localhost.", show_default=False),
    ] = None,
    root: Annotated[
        str, typer.Option("--root", metavar="PATH", help="The path a proxy serves it under.", show_default=False)
    ] = "",
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Show pipelines, cycles and champions in a browser.

    Also who serves is changed there. It listens on this machine alone unless told otherwise.

    \b
    Example:
      heliotrope ui --port 8470
    """
    lacking = [one for one in ("fastapi", "uvicorn", "multipart") if find_spec(one) is None]
    if lacking:
        raise ConfigError(
            f"the pages need {', '.join(lacking)}, which this environment lacks",
            remedy="pip install '.[ui]' in a clone of heliotrope",
        )
    session = Session(database, as_json)
    tokens = _tokens(token or os.environ.get(_VARIABLE) or "")
    if not tokens and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} lets others than this machine's users in, and there is no token",
            remedy=f"set {_VARIABLE} to a text of 16 characters or more that nobody can guess",
        )
    chosen = None if not pipelines else frozenset(session.recorded(one).name for one in pipelines)
    listening = _listen(host, port)
    bound = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{bound}{_path(root)}/"
    _serve(session, listening, chosen, tokens, tuple(name or ()), _path(root), url)


def _serve(
    session: Session,
    listening: socket.socket,
    chosen: frozenset[str] | None,
    tokens: dict[str, str],
    names: tuple[str, ...],
    root: str,
    url: str,
) -> None:
    import uvicorn

    from heliotrope.web import Mount, Tokens, Visitor, application
    from heliotrope.web.visitor import this_user

    def may(pipeline: str) -> bool:
        return chosen is None or pipeline in chosen

    def owner() -> Visitor:
        return Visitor(name=this_user(), may_read=may, may_change=may)

    app = application(
        session.database,
        authorise=Tokens(tokens, may_read=may) if tokens else owner,
        mount=Mount(hosts=names),
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.state.site.ended = True  # what goes on without an end would hold it up
            super().handle_exit(sig, frame)

    server = Server(
        uvicorn.Config(
            app, root_path=root, log_level="warning", server_header=False, timeout_graceful_shutdown=3, lifespan="on"
        )
    )
    session.output.document({"url": url, "pid": os.getpid(), "token": bool(tokens)})
    session.output.say(f"{url}  (stop it with Ctrl-C)")
    if tokens:
        session.output.say(f"one signs in with the token of {', '.join(tokens)}")
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        session.output.say("stopped")


def _tokens(text: str) -> dict[str, str]:
    """By name: the token. Raises ConfigError for one that can be guessed, or a name that is there twice."""
    found: dict[str, str] = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        name, _, secret = one.rpartition(":")
        name = name or "token"
        if len(secret) < 16:
            raise ConfigError(
                f"the token of {name} has {len(secret)} characters, which can be guessed",
                remedy="take 16 or more: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        if name in found:
            raise ConfigError(f"there are two tokens of {name}", remedy="write them as NAME:TOKEN,NAME:TOKEN")
        found[name] = secret
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(root: str) -> str:
    plain = root.strip("/")
    return f"/{plain}" if plain else ""


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ConfigError where that cannot be."""
    found: socket.socket | None = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except OSError as error:
        if found is not None:
            found.close()
        raise ConfigError(
            f"{host}, port {port}, cannot be listened on: {error.strerror or error}",
            remedy="name another --port; 0 takes a free one",
        ) from None
    return found
