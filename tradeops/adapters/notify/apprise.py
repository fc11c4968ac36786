"""Anything that Apprise speaks: one target of NOTIFY_URLS each. It only says yes or no, so no is tried a few times."""

import asyncio
import html
import logging
import re
from collections import OrderedDict
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import SecretStr

from tradeops.adapters.daemon_thread import in_daemon_thread
from tradeops.adapters.notify import escaping
from tradeops.adapters.notify.channel import PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.notify.layout import Room, lay_out
from tradeops.adapters.notify.posting import REMEMBERED, Progress
from tradeops.adapters.notify.splitting import utf16_units
from tradeops.domain.notices import Level, Notice

MOST_TRIES = 5
CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
SECONDS_BETWEEN_MESSAGES = 1.0
TIME_OUT = timedelta(seconds=10)
LEAST_ROOM = 40
TITLE_ROOM = 150
KINDS = {Level.INFO: "info", Level.WARNING: "warning", Level.ERROR: "failure", Level.CRITICAL: "failure"}


class AppriseChannel:
    """One target.

    Args:
        target: its address, a secret.
        number: its place in NOTIFY_URLS, from 1; names it.
        within: for one message.
    """

    def __init__(self, target: SecretStr, *, number: int, within: timedelta = TIME_OUT) -> None:
        self.name = f"apprise-{number}"
        self._target = target
        self._where = f"target {number} of NOTIFY_URLS ({target.get_secret_value().partition('://')[0]})"
        self._within = within
        self._progress = Progress()
        self._tries: OrderedDict[str, int] = OrderedDict()
        self._plugin: Any = None

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`; within one process the fifth refusal of a notice is the last.

        Raises:
            TransientDeliveryError: Apprise said no, or nothing in time; whether it arrived is not known.
            PermanentDeliveryError: it does not understand the target, or said no too often.
        """
        begun = False
        try:
            plugin = await self._loaded()
            for number, (title, text) in enumerate(_messages(notice, plugin)):
                if str(number) in self._progress.done(idempotency_key):
                    continue
                begun = True
                async with asyncio.timeout(self._within.total_seconds()):
                    sending = partial(_notify, plugin, title, text, notice.level)
                    accepted = await in_daemon_thread(sending, name="apprise")
                if not accepted:
                    raise self._refusal(idempotency_key)
                self._progress.add(idempotency_key, str(number))
        except TimeoutError as error:
            problem = f"{self._where} took longer than {self._within.total_seconds():g} s"
            raise TransientDeliveryError(self.name, problem, may_have_arrived=begun) from error

    async def _loaded(self) -> Any:  # noqa: ANN401 - Apprise has no types
        if self._plugin is None:
            async with asyncio.timeout(self._within.total_seconds()):
                self._plugin = await in_daemon_thread(partial(_load, self._target.get_secret_value()), name="apprise")
        if self._plugin is None:
            problem = f"Apprise does not understand {self._where}"
            raise PermanentDeliveryError(self.name, problem, remedy="check NOTIFY_URLS against Apprise's documentation")
        return self._plugin

    def _refusal(self, key: str) -> TransientDeliveryError | PermanentDeliveryError:
        self._tries[key] = tries = self._tries.get(key, 0) + 1
        while len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
        problem = f"Apprise could not deliver to {self._where}, and does not say why"
        if tries >= MOST_TRIES:
            return PermanentDeliveryError(self.name, f"{problem}; tried {tries} times", remedy="check NOTIFY_URLS")
        return TransientDeliveryError(self.name, problem, may_have_arrived=True)


def _load(target: str) -> Any:  # noqa: ANN401 - Apprise has no types
    """The plugin of the target with our bounds; `None` when there is none."""
    import apprise  # noqa: PLC0415 - slow to import, and few use it

    for logger in ("apprise", "urllib3.connectionpool"):  # both tell addresses
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    # a redirect would take the message, and what its target accepts, to any address within reach of this machine
    asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory", http_redirects=False)
    plugin = apprise.Apprise.instantiate(target, asset=asset)
    if plugin is None:
        return None
    plugin.redirects = False  # whatever its address says
    plugin.socket_connect_timeout = min(float(plugin.socket_connect_timeout), CONNECT_SECONDS)
    plugin.socket_read_timeout = min(float(plugin.socket_read_timeout), READ_SECONDS)
    plugin.request_rate_per_sec = min(float(plugin.request_rate_per_sec), SECONDS_BETWEEN_MESSAGES)
    return plugin


def _notify(plugin: Any, title: str, text: str, level: Level) -> bool:  # noqa: ANN401 - Apprise has no types
    import apprise  # noqa: PLC0415 - as above

    one = apprise.Apprise(asset=plugin.asset)
    one.add(plugin)
    accepted = one.notify(title=title, body=text, notify_type=KINDS[level], body_format=apprise.NotifyFormat.TEXT)
    return accepted is True


def _messages(notice: Notice, plugin: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - Apprise has no types
    """Title and text of each message, split by us: Apprise would cut titles and lines that are too many."""
    body_room, title_room = int(plugin.body_maxlen), int(plugin.title_maxlen)
    title = min(title_room if title_room > 0 else TITLE_ROOM, max(body_room // 3, 1))
    text = max(body_room - title - LEAST_ROOM, LEAST_ROOM)
    room = Room(title=title, text=text, total=title + text + LEAST_ROOM)
    made = []
    for part in lay_out(notice, room, measure=_size):
        footer = f" ({number})" if (number := _number(part.footer)) else ""
        shown = escaping.plain(part.text) or escaping.plain(part.title)
        if plugin.body_max_line_count:
            shown = " · ".join(line for line in shown.split("\n") if line.strip())
        made.append((escaping.plain(part.title), shown + footer))
    return made


def _number(footer: str) -> str:
    found = re.search(r"(\d+) of (\d+)", footer)
    return f"{found[1]}/{found[2]}" if found else ""


def _size(text: str) -> int:
    return utf16_units(html.escape(escaping.plain(text)).replace("\n", "<br/>\n"))
