"""What a range of trades brought, and when a month's cost meets its limits."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.window.burn import burns, pace
from tradeops.domain.window.columns import Columns, micros
from tradeops.domain.window.trading import trading, units_of
from tradeops.domain.window.values import Range

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = {"warning": Decimal(50), "critical": Decimal(100)}


def closed(*trades: tuple[datetime, str]) -> Columns:
    columns = Columns(lambda _: "q")
    for at, pnl in trades:
        columns.insert(micros(at), {"pnl": units_of(Decimal(pnl))})
    return columns


def test_a_range_adds_up_to_the_last_digit_by_days() -> None:
    hour = timedelta(hours=1)
    trades = closed((NOW - 23 * hour, "0.10000001"), (NOW - 13 * hour, "-0.2"), (NOW - hour, "0.30000002"))
    found = trading(trades, Range.DAY, now=NOW)
    assert (found.trades, found.realised.value) == (3, Decimal("0.20000003"))
    assert found.win_rate_percent.value == pytest.approx(66.6667, abs=1e-3)
    assert [(day.date, day.value) for day in found.days] == [
        (date(2026, 11, 24), pytest.approx(-0.09999999)),
        (date(2026, 11, 25), pytest.approx(0.30000002)),
    ]


def test_without_trades_nothing_is_zero() -> None:
    found = trading(closed((NOW - timedelta(days=2), "5")), Range.DAY, now=NOW)
    assert (found.trades, found.win_rate_percent.value, found.realised.value, found.days) == (0, None, None, ())


@pytest.mark.parametrize(
    ("spent", "projected", "warning", "critical"),
    [
        pytest.param("20", "120.5", date(2026, 11, 23), date(2026, 11, 28), id="both are reached"),
        pytest.param("20", "50", None, None, id="exactly at the warning is no crossing before the month ends"),
        pytest.param("60", "80", date(2026, 11, 17), None, id="the warning was passed three days ago"),
        pytest.param("50", "50", None, None, id="nothing more is spent"),
    ],
)
def test_the_day_on_which_a_limit_is_met(
    spent: str, projected: str, warning: date | None, critical: date | None
) -> None:
    month, end = known_amount(Decimal(spent)), known_amount(Decimal(projected))
    days = [(date(2026, 11, 16), Decimal(49)), (date(2026, 11, 17), Decimal("50.01")), (AS_OF.date(), Decimal(spent))]
    a_day = pace(month, end, as_of=AS_OF)
    first, second = burns(LIMITS, month, a_day, days, as_of=AS_OF)
    assert (first.hit_on, second.hit_on) == (warning, critical)
    assert first.used_percent.value == pytest.approx(float(spent) * 2)


@pytest.mark.parametrize(
    ("spent", "projected"),
    [(unknown_amount("no ledger"), known_amount(Decimal(3))), (known_amount(Decimal(3)), unknown_amount("no ledger"))],
    ids=["what was spent", "what will be"],
)
def test_what_is_not_known_is_said_and_meets_nothing(spent: Amount, projected: Amount) -> None:
    a_day = pace(spent, projected, as_of=AS_OF)
    assert a_day.value is None
    assert all(one.hit_on is None and "no ledger" in one.says for one in burns(LIMITS, spent, a_day, [], as_of=AS_OF))
