"""`tradeops optimize`: what it prints, keeps and exits with."""

import json
from collections.abc import Iterator

import pytest
import respx

from tests.unit.cli.conftest import Invoke
from tests.unit.jobs.moving_exchange import EXCHANGE, MovingExchange, day
from tradeops.errors import RejectedError

ORDER = ("optimize", "run", "rsi", "btcusdt", day(85), day(1), "--variations", "12")


@pytest.fixture(autouse=True)
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[MovingExchange]:
    monkeypatch.setenv("RUST_API_URL", "http://engine.test")
    monkeypatch.setenv("BINANCE_API_URL", EXCHANGE)
    with respx.mock(assert_all_called=False) as wire:
        yield MovingExchange(wire)


def test_an_optimisation_is_printed_listed_and_made_again(invoke: Invoke, exchange: MovingExchange) -> None:
    made = invoke(*ORDER, "--set", "oversold=30", "--seed", "3", "--format", "json")
    assert made.exit_code == 0, made.output
    fields = json.loads(made.stdout)
    assert (fields["order"]["parameters"], fields["random_seed"]) == ({"oversold": 30.0}, 3)
    assert "12 of 12 variations tried" in made.stderr

    listed = invoke("optimize", "list")
    assert fields["run_id"][:13] in listed.stdout
    assert fields["verdict"] in listed.stdout
    assert json.loads(invoke("optimize", "list", "--format", "json").stdout)[0] == fields

    asked = len(exchange.asked)
    again = invoke("optimize", "show", fields["run_id"][:8])
    assert again.exit_code == 0
    assert "Made again: the same to the bit." in again.stdout
    assert len(exchange.asked) == asked


def test_one_that_comes_out_otherwise_exits_with_1(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, exchange: MovingExchange
) -> None:
    made = json.loads(invoke(*ORDER, "--format", "json").stdout)
    exchange.seed = 9
    monkeypatch.setattr("tradeops.jobs.candles.COLLECTION", "other_candles")
    shown = invoke("optimize", "show", made["run_id"])
    assert shown.exit_code == 1
    assert "the exchange tells other candles now than it did then" in shown.stdout


def test_what_cannot_be_done_says_why(invoke: Invoke) -> None:
    done = invoke("optimize", "run", "rsi", "BTCUSDT", day(85), day(1), "--variations", "9")
    assert isinstance(done.exception, RejectedError)
    assert "from 10 to 500, not 9" in str(done.exception)
    assert invoke("optimize", "list").stdout.strip() == "no optimisation is kept yet"
