"""What leaves a cycle for people and other systems: pictures, the report, the model registry."""

from heliotrope.publish.pages import report
from heliotrope.publish.pictures import picture
from heliotrope.publish.registrar import registering
from heliotrope.publish.registrations import register

__all__ = ["picture", "register", "registering", "report"]
