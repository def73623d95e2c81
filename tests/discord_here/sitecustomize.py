"""Put on the path of Python's processes by tests: what is meant for discord.com goes to DISCORD_HERE instead."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder


class _Diverted(MetaPathFinder):
    """Changes Apprise's Discord as soon as it is imported, and nothing before."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "apprise":
            sys.meta_path.remove(self)
            from apprise.plugins.discord import NotifyDiscord

            NotifyDiscord.notify_url = f"{os.environ['DISCORD_HERE']}/api/webhooks"


if os.environ.get("DISCORD_HERE"):
    sys.meta_path.insert(0, _Diverted())
