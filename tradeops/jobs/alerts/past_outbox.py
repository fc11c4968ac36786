"""Sends past the outbox: for whoever tells that the outbox does not work, and for whoever tries the channels."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from tradeops.adapters.notify.channel import Channel, PermanentDeliveryError, TransientDeliveryError
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level, Notice
from tradeops.settings import Settings
from tradeops.wiring import open_channels

log = logging.getLogger(__name__)

Failure = TransientDeliveryError | PermanentDeliveryError


async def tell_directly(settings: Settings, looks: Iterable[Observation], *, run_id: str, because: str) -> None:
    """Send what is critical to every channel, without outbox and incidents; a channel that fails is logged.

    Raises:
        MisconfiguredError: a channel's template is no good.
    """
    critical = [look for look in looks if look.severity is Level.CRITICAL]
    if not critical:
        return
    first, at = critical[0], datetime.now(UTC)
    lines = [*(f"{look.key}: {look.summary}" for look in critical), f"Told past the outbox, since {because}"]
    notice = Notice(
        f"{first.key}:{run_id}", "told_directly", Level.CRITICAL, f"{first.key} is critical", "\n".join(lines), at
    )

    async with open_channels(settings) as channels:
        for failure in filter(None, (await send_past_outbox(channels, notice)).values()):
            log.warning("%s", failure)


async def send_past_outbox(channels: Mapping[str, Channel], notice: Notice) -> dict[str, Failure | None]:
    """Send to all channels at once, once, under the key of the notice; of each, by name, why it did not work.

    Never raises for a channel, and one that is broken keeps nothing from the others.
    """
    failures = await asyncio.gather(*(hand_over(channel, notice, notice.key) for channel in channels.values()))
    return dict(zip(channels, failures, strict=True))


async def hand_over(channel: Channel, notice: Notice, key: str) -> Failure | None:
    """Hand a notice to one channel; `None` when it was accepted. A defect of the channel is logged and a failure, too.

    Args:
        channel: that takes it.
        notice: what to say.
        key: the same for each try of it.
    """
    try:
        await channel.send(notice, idempotency_key=key)
    except (TransientDeliveryError, PermanentDeliveryError) as error:
        return error
    except Exception as error:
        log.exception("the channel %s broke", channel.name)
        problem = f"our own channel broke ({type(error).__name__}, see the log)"
        return TransientDeliveryError(channel.name, problem, may_have_arrived=True)
    return None
