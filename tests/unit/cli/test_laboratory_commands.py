"""`tradeops backtest` and `tradeops bulk`: what they print, keep and exit with."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import respx

from tests.unit.cli.conftest import Invoke
from tests.unit.jobs.moving_exchange import EXCHANGE, MovingExchange, day
from tradeops.cli.laboratory import given_parameters
from tradeops.errors import RejectedError

ORDER = ("backtest", "run", "rsi", "btcusdt", day(40), day(10))


@pytest.fixture(autouse=True)
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[MovingExchange]:
    monkeypatch.setenv("RUST_API_URL", "http://engine.test")
    monkeypatch.setenv("BINANCE_API_URL", EXCHANGE)
    with respx.mock(assert_all_called=False) as wire:
        yield MovingExchange(wire, BTCUSDT=9e9, ETHUSDT=8e9)


def test_a_backtest_is_printed_listed_and_made_again(invoke: Invoke, exchange: MovingExchange) -> None:
    made = invoke(*ORDER, "--set", "period=10", "--seed", "3", "--format", "json")
    assert made.exit_code == 0, made.output
    fields = json.loads(made.stdout)
    assert (fields["parameters_used"]["period"], fields["random_seed"]) == (10, 3)
    assert "fetching the candles of BTCUSDT" in made.stderr

    listed = invoke("backtest", "list")
    assert fields["run_id"][:13] in listed.stdout
    assert json.loads(invoke("backtest", "list", "--format", "json").stdout)[0] == fields

    asked = len(exchange.asked)
    again = invoke("backtest", "show", fields["run_id"][:8], "--format", "json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["fingerprint"] == fields["fingerprint"]
    assert json.loads(again.stdout)["differences"] == []
    assert len(exchange.asked) == asked


def test_a_backtest_that_comes_out_otherwise_exits_with_1(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, exchange: MovingExchange
) -> None:
    invoke(*ORDER, "--format", "json")
    exchange.seed = 9
    monkeypatch.setattr("tradeops.jobs.candles.COLLECTION", "other_candles")
    shown = invoke("backtest", "show", json.loads(invoke("backtest", "list", "--format", "json").stdout)[0]["run_id"])
    assert shown.exit_code == 1
    assert "the exchange tells other candles now than it did then" in shown.stdout


def test_what_cannot_be_done_says_why(invoke: Invoke) -> None:
    done = invoke("backtest", "run", "astrology", "BTCUSDT", day(40), day(10))
    assert isinstance(done.exception, RejectedError)
    assert invoke("backtest", "list").stdout.strip() == "no backtest is kept yet"


@pytest.mark.parametrize(
    ("settings", "problem"), [(["period"], "is not NAME=VALUE"), (["a=1", "a=2"], "a is set twice")]
)
def test_a_setting_that_is_none_is_bad_usage(settings: list[str], problem: str) -> None:
    with pytest.raises(click.BadParameter, match=problem):
        given_parameters(settings)


def test_settings_are_read_as_what_they_look_like() -> None:
    assert given_parameters(["period=9", "low=2.5", "scale=relative"]) == {"period": 9, "low": 2.5, "scale": "relative"}


def test_bulk_prints_exports_and_exits_with_3_when_one_failed(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("bulk", "BTCUSDT", "ETHUSDT", "NOPEUSDT", "--export", str(tmp_path / "all.csv"), "--format", "json")
    assert done.exit_code == 3, done.output
    fields = json.loads(done.stdout)
    assert (fields["symbols_analyzed"], fields["symbols_failed"]) == (2, 1)
    assert (tmp_path / "all.csv").read_text().startswith("symbol,signal,confidence,price")


def test_bulk_without_symbols_takes_the_most_traded(invoke: Invoke) -> None:
    done = invoke("bulk", "--format", "html")
    assert done.exit_code == 0, done.output
    assert "2 symbols on 1h" in done.stdout


def test_bulk_refuses_a_file_that_it_cannot_write_before_any_work(invoke: Invoke, exchange: MovingExchange) -> None:
    done = invoke("bulk", "--export", "all.xlsx")
    assert isinstance(done.exception, RejectedError)
    assert exchange.asked == []
