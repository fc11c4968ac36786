"""The MongoDB-compatible server of the store's tests."""

from tests.contract.store.conftest import database, own_server, session_server

__all__ = ["database", "own_server", "session_server"]
