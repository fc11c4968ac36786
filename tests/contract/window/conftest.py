"""The MongoDB-compatible server of the store's tests, and each store with it."""

from tests.contract.store.conftest import database, own_server, session_server, store

__all__ = ["database", "own_server", "session_server", "store"]
