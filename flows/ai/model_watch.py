"""Looks every hour whether a model that came into use lately does worse than the one before, and sends it back then."""

import asyncio
import datetime as dt

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import presentation, promotions
from tradeops.adapters.store import Document
from tradeops.domain.health import Severity
from tradeops.domain.notices import Level
from tradeops.errors import TradeOpsError
from tradeops.jobs.models import model_watch as watching
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.model_watch import watch_page
from tradeops.wiring import Desk, open_desk

NAME = "model-watch"
PERIOD = dt.timedelta(hours=1)


soon = task(
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[5, 15],
    retry_jitter_factor=0.5,
    retry_condition_fn=presentation.is_transient,
)


@soon
async def catch_up(desk: Desk) -> tuple[str, ...]:
    """Record and watch what came into use while its run could not say so."""
    return await watching.catch_up(desk, news=promotions.tell)


@soon
async def look(desk: Desk, document: Document) -> watching.Looked:
    """Compare one model with the one before on live candles; a clearly worse one is rolled back, once."""
    return await watching.look(desk, document, now=dt.datetime.now(dt.UTC))


async def tell(desk: Desk, found: list[watching.Looked | BaseException]) -> None:
    """A page of what was looked at; a message only where a model was rolled back or could not be looked at."""
    page = watch_page(found)
    if page.severity is Severity.HEALTHY:
        return await presentation.publish(NAME, page)
    await presentation.announce_run(desk, NAME, page, event="model_rolled_back", level=Level.WARNING)
    for one in found:
        if isinstance(one, watching.Looked) and one.rolled_back:
            resource = f"tradeops.model.{one.model_type}.{one.symbol}"
            presentation.emit("tradeops.model.rolled-back", resource, watching.payload(one))
    return None


@flow(timeout_seconds=300)
async def model_watch() -> State[tuple[watching.Looked, ...]]:
    """Look at each model under watch; ends `Skipped` when there is none, `Degraded` when one was rolled back.

    Before that, a switch whose answer was lost is found out, and watched from then on.

    Raises:
        TradeOpsError: the store does not answer, or a setting is wrong.
    """
    if (late := presentation.lateness()) > PERIOD:
        return presentation.skipped(f"{late.total_seconds() / 60:.0f} min late: the next run is due")
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())):
            caught_up = await asyncio.gather(catch_up(desk), return_exceptions=True)
            unknown = [one for one in caught_up if isinstance(one, BaseException)]
            watched = await watching.watched_models(desk)
            if not watched and not unknown:
                return presentation.skipped("no model came into use lately")
            looks = await asyncio.gather(*(look(desk, document) for document in watched), return_exceptions=True)
            found = [*looks, *unknown]
            told = await asyncio.gather(tell(desk, found), return_exceptions=True)
    except TradeOpsError as error:
        return presentation.failed(error)
    looked = tuple(one for one in found if isinstance(one, watching.Looked))
    lost = [one for one in found if isinstance(one, Exception)]
    severity = Severity.DEGRADED if lost or any(one.rolled_back for one in looked) else Severity.HEALTHY
    message = "; ".join([*(one.says for one in looked), *(str(error) for error in lost)])
    return presentation.end_state(NAME, looked, severity, message, mishaps=told)
