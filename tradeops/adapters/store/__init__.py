"""Where we keep what we know: one interface, SQLite or MongoDB behind it."""

from tradeops.adapters.store.interface import (
    AuditEvent,
    Backlog,
    Body,
    Bucket,
    Claim,
    Document,
    Message,
    MessageState,
    Point,
    QueuedMessage,
    ReadableStore,
    Store,
)
from tradeops.adapters.store.opening import open_readable, open_store

__all__ = [
    "AuditEvent",
    "Backlog",
    "Body",
    "Bucket",
    "Claim",
    "Document",
    "Message",
    "MessageState",
    "Point",
    "QueuedMessage",
    "ReadableStore",
    "Store",
    "open_readable",
    "open_store",
]
