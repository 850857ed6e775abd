"""Imports every module that declares tasks, so that whoever stages or runs one finds it by name."""

from app.messages import service as messages
from app.outbox import service as outbox

__all__ = ["messages", "outbox"]
