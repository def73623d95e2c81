"""The pages: pipelines at a glance, in time and in every detail, and changing by hand who serves.

``heliotrope ui`` runs them alone; :func:`application` makes the same app to be mounted in another.
"""

from heliotrope.web.application import application
from heliotrope.web.mount import Mount
from heliotrope.web.session import Tokens
from heliotrope.web.visitor import Visitor

__all__ = ["Mount", "Tokens", "Visitor", "application"]
