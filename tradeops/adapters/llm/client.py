"""Whether the language model's endpoint can be reached with our key, and what it offers, free of charge."""

from datetime import date, timedelta

from pydantic import StrictStr

from tradeops.adapters.wire import WireModel, parse
from tradeops.domain.llm import OfferedModel
from tradeops.domain.readings import Reading
from tradeops.http import Answer, HttpService

MODELS = "/models"


class _Model(WireModel):
    id: StrictStr
    shutdown_date: object = None  # of OpenAI alone; what is no date there is no reason to distrust the list


class _Models(WireModel):
    data: list[_Model]


class LlmClient:
    """An OpenAI-compatible endpoint.

    Args:
        service: its address (with its `/v1`), its key as bearer token, and bounds.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    @property
    def base_url(self) -> str:
        """Its address."""
        return self._service.base_url

    async def models(self, *, within: timedelta | None = None) -> Reading[tuple[str, ...]]:
        """The names of the models it offers, in its order.

        Raises:
            MisconfiguredError: it does not accept the key.
            RateLimitedError: too many requests, or no money left.
            ContractError: the answer is no list of models.
            TradeOpsError: as `HttpService.request` and `Answer.raise_for_status` say.
        """
        answer, offered = await self._offered(within)
        return answer.reading(tuple(model.name for model in offered))

    async def offer(self, *, within: timedelta | None = None) -> Reading[tuple[OfferedModel, ...]]:
        """The models it offers, in its order, each with the day on which it ends, if that is announced.

        Raises:
            TradeOpsError: as `models`.
        """
        answer, offered = await self._offered(within)
        return answer.reading(offered)

    async def _offered(self, within: timedelta | None) -> tuple[Answer, tuple[OfferedModel, ...]]:
        answer = await self._service.request("GET", MODELS, within=within)
        answer.raise_for_status()
        parsed = parse(_Models, answer.json(), system=answer.system, source=answer.address)
        return answer, tuple(OfferedModel(model.id, _day(model.shutdown_date)) for model in parsed.data)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
