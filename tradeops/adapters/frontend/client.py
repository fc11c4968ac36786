"""Whether the frontend serves its page."""

import re
from dataclasses import dataclass
from datetime import timedelta

from tradeops.domain.readings import Reading
from tradeops.errors import ContractError
from tradeops.http import HttpService

HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*+<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(rb"<title[^>]*>([^<]{0,200})</title", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page.

    Attributes:
        title: empty when it has none.
        size_bytes: of the decoded body.
    """

    title: str
    size_bytes: int


class FrontendClient:
    """The frontend.

    Args:
        service: its address and bounds.
        path: of its page.
    """

    def __init__(self, service: HttpService, *, path: str = "/") -> None:
        self._service = service
        self._path = path

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        return self._service.base_url

    async def page(self, *, within: timedelta | None = None) -> Reading[Page]:
        """Its page, on a connection of its own: development servers reset those that are kept alive.

        Raises:
            ContractError: something else than HTML.
            TradeOpsError: as `HttpService.request` and `Answer.raise_for_status` say.
        """
        answer = await self._service.request("GET", self._path, headers={"connection": "close"}, within=within)
        answer.raise_for_status()
        beginning = answer.body[:4096]
        if not HTML.match(beginning):
            what = "an empty page" if not answer.body.strip() else f"no HTML: {answer.excerpt()}"
            raise ContractError(answer.system, f"{answer.address} answered HTTP {answer.status} with {what}")
        title = TITLE.search(beginning)
        text = " ".join(title[1].decode("utf-8", "replace").split()) if title else ""
        return answer.reading(Page(title=text, size_bytes=len(answer.body)))
