"""One vendor message on its way: both generations of the platform read one in the same way."""

from connectors._genesys.message import Message, Origin

__all__ = ["Message", "Origin"]
