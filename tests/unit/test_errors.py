"""The tree of errors: what an operator reads, and what survives a process boundary."""

import pickle
from datetime import timedelta

import pytest

from tradeops import errors
from tradeops.errors import (
    ConflictError,
    ContractError,
    CriticalVerdictError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)

EACH = [
    TradeOpsError("engine", "broke", remedy="mend it"),
    TransientError("engine", "hiccup"),
    UnavailableError("engine", "refused", remedy="start it"),
    RateLimitedError("exchange", "HTTP 429", retry_after=timedelta(seconds=7), remedy="wait"),
    RateLimitedError("exchange", "HTTP 429", retry_after=None),
    MisconfiguredError("engine", "HTTP 401", remedy="check its token"),
    RejectedError("engine", "no", http_status=404, remedy="ask for less"),
    ContractError("engine", "equity is missing"),
    ConflictError("store", "changed"),
    CriticalVerdictError("bot", ("engine", "mongodb")),
]


def test_a_message_reads_system_what_happened_what_to_do() -> None:
    error = TradeOpsError("engine", "refused the connection", remedy="start it")
    assert str(error) == "engine: refused the connection; start it"


def test_a_message_without_remedy_ends_after_what_happened() -> None:
    assert str(TransientError("engine", "hiccup")) == "engine: hiccup"


def test_a_critical_verdict_names_its_parts_in_order() -> None:
    error = CriticalVerdictError("bot", ["engine", "mongodb"])
    assert str(error) == "bot: critical: engine, mongodb"
    assert error.parts == ("engine", "mongodb")


@pytest.mark.parametrize("error", EACH, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_result_store_with_all_it_says(error: TradeOpsError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize(
    ("kind", "retried"),
    [
        (TransientError, True),
        (UnavailableError, True),
        (RateLimitedError, True),
        (MisconfiguredError, False),
        (RejectedError, False),
        (ContractError, False),
        (ConflictError, False),
        (CriticalVerdictError, False),
    ],
)
def test_only_what_may_pass_by_itself_is_transient(kind: type[TradeOpsError], retried: bool) -> None:
    assert issubclass(kind, TransientError) is retried


def test_each_kind_says_what_the_operator_must_do() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TradeOpsError)]
    assert {type(error) for error in EACH} == set(kinds), "a new kind of error belongs into this module"
    assert all(kind.__doc__ for kind in kinds)
