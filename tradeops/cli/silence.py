"""`tradeops silence`: times in which some incidents alert nobody."""

import asyncio
import re
import secrets
from datetime import UTC, datetime, timedelta

import click

from tradeops.cli.person import whoami
from tradeops.domain.incidents.model import Silence
from tradeops.domain.incidents.wording import clock
from tradeops.jobs.alerts import silences
from tradeops.settings import load_settings
from tradeops.wiring import our_store

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST = timedelta(days=30)


class Duration(click.ParamType[timedelta]):
    """A stretch of time such as `2h`, `90m`, `1d12h`; at most 30 days."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration, or a usage error."""
        found = re.findall(r"(\d{1,6})([dhms])", value)
        if not found or "".join(number + unit for number, unit in found) != value:
            self.fail(f"{value!r} is no duration: write 2h, 90m or 1d12h", param, ctx)
        duration = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in found), timedelta(0))
        if not timedelta(0) < duration <= LONGEST:
            self.fail(f"{value} is not between 1s and 30d", param, ctx)
        return duration


class Moment(click.ParamType[datetime]):
    """A time such as `2026-11-26T02:00`; without a zone it is UTC."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, aware, or a usage error."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-26T02:00", param, ctx)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


@click.command()
@click.argument("pattern", required=False)
@click.option("--for", "duration", type=Duration(), help="How long: 2h, 90m, 1d12h.")
@click.option("--reason", help="Why; others see it.")
@click.option("--from", "since", type=Moment(), help="When it begins, UTC; now without it.")
@click.option("--by", default=whoami, help="Who; you.")
@click.option("--list", "listing", is_flag=True, help="Show the silences that last or are planned.")
@click.option("--lift", metavar="ID", help="End a silence now.")
def command(
    pattern: str | None,
    duration: timedelta | None,
    reason: str | None,
    since: datetime | None,
    by: str,
    listing: bool,
    lift: str | None,
) -> None:
    """Let some incidents alert nobody for a while.

    PATTERN is of their keys: `mongodb`, `job:*`, `*`. Runs go on and are recorded. What is still broken at the end
    alerts then; the end of what was told before is told.
    """
    if (pattern is not None) + listing + (lift is not None) != 1:
        raise click.UsageError("give a PATTERN, or --list, or --lift ID")
    if lift is not None:
        ended = asyncio.run(_lift(lift, by))
        click.echo(f"{ended.pattern} is no longer silent")
    elif pattern is None:
        for one in asyncio.run(_lasting()):
            click.echo(
                f"{one.silence_id}  {one.pattern}  {clock(one.since)} to {clock(one.until)}  {one.by}: {one.reason}"
            )
    elif duration is None or not reason:
        raise click.UsageError("a silence needs --for and --reason")
    else:
        begins = since or datetime.now(UTC)
        silence = Silence(_name(begins), pattern, begins, begins + duration, reason, by)
        asyncio.run(_begin(silence))
        click.echo(
            f"{pattern} is silent from {clock(begins)} to {clock(silence.until)}; --lift {silence.silence_id} ends it"
        )


def _name(begins: datetime) -> str:
    return f"{begins:%m%d-%H%M}-{secrets.token_hex(2)}"


async def _begin(silence: Silence) -> None:
    async with our_store(load_settings()) as store:
        await silences.begin(store, silence)


async def _lift(silence_id: str, by: str) -> Silence:
    async with our_store(load_settings()) as store:
        return await silences.lift(store, silence_id, by=by, now=datetime.now(UTC))


async def _lasting() -> tuple[Silence, ...]:
    async with our_store(load_settings()) as store:
        return await silences.lasting(store, now=datetime.now(UTC))
