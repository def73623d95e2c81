"""Messages sent: what the ledger holds for the pipeline's targets, by Apprise, in a process of its own."""

from heliotrope.notify.address import Resolver, address
from heliotrope.notify.beside import beside
from heliotrope.notify.delivery import Delivered, Picture, deliver
from heliotrope.notify.outcome import Outcome
from heliotrope.notify.picture import picture_of
from heliotrope.notify.sender import Sender

__all__ = ["Delivered", "Outcome", "Picture", "Resolver", "Sender", "address", "beside", "deliver", "picture_of"]
