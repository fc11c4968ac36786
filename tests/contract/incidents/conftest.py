"""The MongoDB-compatible server of the store's tests."""

from tests.contract.store.conftest import database, session_server

__all__ = ["database", "session_server"]
