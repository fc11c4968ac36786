"""Tells a service outside, as healthchecks.io is one, that we are alive."""

from tradeops.http import HttpService


class OutsideWatch:
    """One check of such a service.

    Args:
        service: its origin and bounds.
        path: of the check; it is the secret.
    """

    def __init__(self, service: HttpService, path: str) -> None:
        self._service = service
        self._path = path

    async def ping(self) -> None:
        """Say that we are alive.

        Raises:
            UnavailableError, TransientError, RejectedError, MisconfiguredError: it was not heard.
        """
        answer = await self._service.request("GET", self._path)
        answer.raise_for_status()
