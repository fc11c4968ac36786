"""What a vote sends, in the words of either API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradeops.domain.llm import SCHEMA, Api
from tradeops.domain.llm.rounds import Parameter

SCHEMA_NAME = "analysis"


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    Attributes:
        instructions: the system's part of the prompt.
        text: the user's part.
        max_output_tokens: reasoning included.
        effort: of reasoning, in the service's words; `None` leaves it to the model.
    """

    model: str
    api: Api
    instructions: str
    text: str
    max_output_tokens: int
    effort: str | None = None

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """All that is sent besides the model and the prompt, for the audit."""
        return {
            "api": self.api,
            "max_output_tokens": self.max_output_tokens,
            "reasoning_effort": self.effort,
            "store": False,
            "strict_schema": True,
        }


def arguments(request: Request) -> dict[str, Any]:
    """The keyword arguments of the SDK's `create`: nothing is kept there, and the answer must fit the schema."""
    if request.api == "responses":
        schema = {"type": "json_schema", "name": SCHEMA_NAME, "strict": True, "schema": SCHEMA}
        return {
            "model": request.model,
            "instructions": request.instructions,
            "input": request.text,
            "max_output_tokens": request.max_output_tokens,
            "store": False,
            "text": {"format": schema},
            **({"reasoning": {"effort": request.effort}} if request.effort else {}),
        }
    return {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.instructions},
            {"role": "user", "content": request.text},
        ],
        "max_completion_tokens": request.max_output_tokens,
        "store": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": SCHEMA_NAME, "strict": True, "schema": SCHEMA},
        },
        **({"reasoning_effort": request.effort} if request.effort else {}),
    }
