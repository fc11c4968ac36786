"""Whatever comes back is judged and billed, and never raises."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.jobs.llm_wire import chat, responses
from tradeops.domain.llm import Cost, Exchange, Failure, Outcome, Price, Round, Try, Vote, cost_of, judge

ONE = Decimal(1)
PRICE = Price("m", date(2026, 1, 1), ONE, ONE, ONE, ONE)
MOST = Decimal("0.5")
NOW = datetime(2026, 11, 25, tzinfo=UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An answer of either API with one part of it replaced by something else."""
    body = draw(st.sampled_from([responses(), chat()]))
    node: object = json.loads(json.dumps(body))
    whole = node
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        place = draw(st.sampled_from(places))
        inner = node[place]  # type: ignore[index]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            node[place] = draw(JSON)  # type: ignore[index]
            return json.dumps(whole).encode()
        node = inner


BODIES = st.binary(max_size=80) | JSON.map(lambda body: json.dumps(body).encode()) | damaged()


@given(BODIES, st.integers(100, 599), st.sampled_from(["responses", "chat"]), st.sampled_from(["", "application/json"]))
def test_any_body_is_a_proposal_or_a_failure_and_never_free_of_charge_for_want_of_knowing(
    body: bytes, status: int, api: str, content_type: str
) -> None:
    exchange = Exchange(Outcome.ANSWERED, timedelta(0), status=status, content_type=content_type, body=body)
    judged = judge(exchange, api)  # type: ignore[arg-type]
    assert (judged.proposal is None) is (judged.failure is not None)
    assert bool(judged.problem) is (judged.failure is not None)
    cost = cost_of(exchange, judged.usage, PRICE, at_most_usd=MOST)
    if 200 <= status < 300:
        assert cost == (Cost(PRICE.cost_usd(judged.usage)) if judged.usage else Cost(MOST, estimated=True))
    if judged.proposal is not None:
        assert 200 <= status < 300


def test_an_exchange_without_a_status_is_lost() -> None:
    judged = judge(Exchange(Outcome.ANSWERED, timedelta(0)), "chat")
    assert judged.failure is Failure.LOST


def a_try(usd: str, *, estimated: bool = False) -> Try:
    cost = Cost(Decimal(usd), estimated=estimated)
    return Try("k", NOW, timedelta(0), 200, None, "", None, cost, None, None, "", "")


def test_a_round_sums_all_tries_and_says_when_a_part_is_estimated() -> None:
    votes = (
        Vote(1, None, Failure.SERVER, "x", (a_try("0.1"), a_try("0.2")), timedelta(seconds=130)),
        Vote(2, None, Failure.SERVER, "x", (a_try("0.3", estimated=True),), timedelta(seconds=200)),
        Vote(3, None, Failure.NO_BUDGET, "x", ()),
    )
    told = Round(votes, "m", "chat", {}, "v")
    assert told.cost == Cost(Decimal("0.6"), estimated=True)
    assert told.failures == (Failure.SERVER, Failure.NO_BUDGET)
    assert (told.failing, told.critical, told.retry_after) == (True, (), timedelta(seconds=200))
    assert Round((), "m", "chat", {}, "v").retry_after is None
