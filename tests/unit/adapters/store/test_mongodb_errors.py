"""What MongoDB's errors mean for the operator, in words that never carry a password."""

import pytest
from bson.errors import BSONError
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    DocumentTooLarge,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
    WTimeoutError,
)

from tradeops.adapters.store.mongodb_errors import hosts_of, typed_error
from tradeops.errors import MisconfiguredError, RejectedError, TradeOpsError, UnavailableError

SECRET = "mongodb://user:sesame@db:27017"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        pytest.param(ServerSelectionTimeoutError(SECRET), UnavailableError, "does not answer; start it", id="down"),
        pytest.param(AutoReconnect(SECRET), UnavailableError, "does not answer", id="reset"),
        pytest.param(OperationFailure(SECRET, 18), MisconfiguredError, "does not let us in; check user", id="password"),
        pytest.param(OperationFailure(SECRET, 13), MisconfiguredError, "read and write the database", id="rights"),
        pytest.param(OperationFailure(SECRET, 8000), MisconfiguredError, "does not let us in", id="Atlas"),
        pytest.param(OperationFailure(SECRET, 10107), UnavailableError, "no primary; look at its", id="no primary"),
        pytest.param(WriteError(SECRET, 121), RejectedError, "refused the record with code 121", id="validator"),
        pytest.param(DocumentTooLarge(SECRET), RejectedError, "larger than the 16 MiB", id="too large"),
        pytest.param(WTimeoutError(SECRET, 64), UnavailableError, "code 64; look at its log", id="no majority"),
        pytest.param(OperationFailure(SECRET), UnavailableError, "failed with code None", id="no code"),
        pytest.param(ConfigurationError(SECRET), MisconfiguredError, "not valid; check MONGODB_URL", id="address"),
        pytest.param(InvalidOperation(SECRET), UnavailableError, "db: InvalidOperation", id="anything else"),
    ],
)
def test_each_error_says_what_to_do_and_not_the_password(
    error: PyMongoError | BSONError, kind: type[TradeOpsError], words: str
) -> None:
    typed = typed_error(error, "db")
    assert type(typed) is kind
    assert words in str(typed)
    assert "sesame" not in str(typed)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        pytest.param("mongodb://db:27017", "db:27017", id="one host"),
        pytest.param("mongodb://user:sesame@a:1,b:2/admin?replicaSet=rs", "a:1,b:2", id="replica set"),
        pytest.param("mongodb+srv://user:sesame@cluster.example.net/?w=1", "cluster.example.net", id="by DNS"),
        pytest.param("mongodb://user:sesame@db/?appName=desk", "db", id="options"),
        pytest.param("mongodb://user:se@same/x@db", "an unreadable address", id="bare @ and slash in the password"),
        pytest.param("sesame", "", id="no address at all"),
    ],
)
def test_the_hosts_of_an_address_are_shown_without_user_and_password(url: str, hosts: str) -> None:
    assert hosts_of(url) == hosts


@given(st.text(min_size=1))
def test_no_part_of_a_password_shows_whatever_its_characters(password: str) -> None:
    assert hosts_of(f"mongodb://user:{password}@db:27017/admin") in {"db:27017", "an unreadable address"}
