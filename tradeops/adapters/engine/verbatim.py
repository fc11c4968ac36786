"""JSON whose numbers come out as they went in: `5.0` stays `5.0` and `1e-7` stays `1e-7`, whatever they mean.

For what is read from the engine and written back: a field that we do not know must not change on its way through us.
"""

import json
import re
from typing import Any

SURROGATE = re.compile(r"[\ud800-\udfff]")


class Numeral:
    """A number as it was written; neither more nor less."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Numeral) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


def loads(body: bytes | str) -> Any:  # noqa: ANN401 - whatever it says
    """The parsed body, each number a `Numeral`.

    Raises:
        ValueError: no JSON.
        RecursionError: nested too deep.
    """
    return json.loads(body, parse_float=Numeral, parse_int=Numeral, parse_constant=Numeral)


def dumps(value: Any) -> str:  # noqa: ANN401 - whatever `loads` gave
    """The value as JSON, its keys in their order."""
    match value:
        case Numeral():
            return value.text
        case dict():
            return "{" + ",".join(f"{_text(key)}:{dumps(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ",".join(map(dumps, value)) + "]"
        case _:
            return _text(value)


def _text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or not SURROGATE.search(text) else json.dumps(value)  # half a character is no UTF-8
