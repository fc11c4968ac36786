"""`tradeops llm`: what our own calls of language models cost, and the limit of this month lifted by a person."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import click

from tradeops.cli import EXIT_DEGRADED
from tradeops.cli.person import whoami
from tradeops.domain.costs.money import dollars, exact
from tradeops.domain.llm import BudgetState
from tradeops.jobs.decision import llm_budget
from tradeops.settings import load_settings
from tradeops.wiring import open_guard, prices


class Dollars(click.ParamType[Decimal]):
    """An amount such as `150` or `0.50`, above zero."""

    name = "usd"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The amount, or a usage error."""
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal(0)
        if not amount.is_finite() or amount <= 0:
            self.fail(f"{value!r} is no amount above 0 USD: write 150", param, ctx)
        return amount


@click.group()
def command() -> None:
    """What our own calls of language models cost."""


@command.command()
def budget() -> None:
    """Show what was spent, what is reserved, and whether another analysis may begin.

    Exit 3 when none may.
    """
    state = asyncio.run(_read())
    click.echo(_told(state))
    if state.refusal:
        raise SystemExit(EXIT_DEGRADED)


@command.command()
@click.option("--limit-usd", type=Dollars(), required=True, help="What this UTC month may cost in all.")
@click.option("--reason", required=True, help="Why; it is in the audit trail.")
@click.option("--by", default=whoami, help="Who; you.")
def lift(limit_usd: Decimal, reason: str, by: str) -> None:
    """Set the limit of this UTC month; it ends with the month."""
    click.echo(_told(asyncio.run(_lift(limit_usd, reason, by))))


def _told(state: BudgetState) -> str:
    limits, month = state.limits, state.month_limit_usd
    settings = load_settings()
    known = prices(settings).price(settings.openai_model, state.now)
    day = f"{state.analyses_today} of {limits.analyses_per_day}"
    lines = [
        f"model     {settings.openai_model}, {'its price is known' if known else 'without a price: it is not asked'}",
        f"today     {dollars(state.day_usd, [limits.day_usd])} of {exact(limits.day_usd)}",
        f"month     {dollars(state.month_usd, [month])} of {exact(month)}{', set by a person' if state.lifted else ''}",
        f"reserved  {dollars(state.open_usd)} of these",
        f"analyses  {state.analyses_last_hour} of {limits.analyses_per_hour} within an hour, {day} within a day",
        f"stopped: {state.refusal}" if state.refusal else "another analysis may begin",
    ]
    return "\n".join(lines)


async def _read() -> BudgetState:
    async with open_guard(load_settings()) as guard:
        return await llm_budget.read(guard)


async def _lift(limit_usd: Decimal, reason: str, by: str) -> BudgetState:
    async with open_guard(load_settings()) as guard:
        return await llm_budget.lift(guard, operator=by, reason=reason, limit_usd=limit_usd, now=datetime.now(UTC))
