"""How a parsed body becomes typed: numbers that are numbers, times that are times, and errors that name the field."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError
from pydantic_core import PydanticCustomError

from tradeops.domain.readings import RejectedRecord
from tradeops.errors import ContractError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMERAL = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?", re.ASCII)
MOST = 10**15  # of money, a price or a quantity: what was archived once would be in every report to come
VALUE_PROBLEMS = frozenset(
    {"null", "not_finite", "implausible", "greater_than", "greater_than_equal", "less_than_equal"}
)

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def _number(value: object) -> int | float:
    if value is None:
        raise PydanticCustomError("null", "is null")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("not_a_number", "is {kind}, not a number", {"kind": type(value).__name__})
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise PydanticCustomError("not_finite", "is NaN or infinite")
    return value


def _decimal(value: object) -> Decimal:
    amount = Decimal(repr(_number(value)))
    if abs(amount) > MOST:
        raise PydanticCustomError("implausible", "is larger than any that can be meant")
    return amount


def _decimal_from_text(value: object) -> Decimal:
    if value is None:
        raise PydanticCustomError("null", "is null")
    if not isinstance(value, str):
        raise PydanticCustomError("not_text", "is {kind}, not a number in a string", {"kind": type(value).__name__})
    if not NUMERAL.fullmatch(value):
        raise PydanticCustomError("not_finite", "is no finite number")
    return Decimal(value)


def _moment(value: object) -> datetime:
    if value is None:
        raise PydanticCustomError("null", "is null")
    if not isinstance(value, str):
        raise PydanticCustomError("not_a_time", "is {kind}, not a time in a string", {"kind": type(value).__name__})
    try:
        moment = datetime.fromisoformat(value)  # takes nanosecond digits and truncates them to microseconds
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("not_a_time", "is no time with a time zone")


def _epoch_milliseconds(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("not_a_time", "is {kind}, not milliseconds", {"kind": type(value).__name__})
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        raise PydanticCustomError("implausible", "is a time outside of the calendar") from None


Number = Annotated[float, BeforeValidator(_number)]
Money = Annotated[Decimal, BeforeValidator(_decimal)]
PositiveMoney = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0)]
NonNegativeMoney = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0)]
TextNumber = Annotated[Decimal, BeforeValidator(_decimal_from_text)]
PositiveTextNumber = Annotated[Decimal, BeforeValidator(_decimal_from_text), Field(gt=0)]
NonNegativeTextNumber = Annotated[Decimal, BeforeValidator(_decimal_from_text), Field(ge=0)]
Count = Annotated[StrictInt, Field(ge=0)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
EpochMilliseconds = Annotated[datetime, BeforeValidator(_epoch_milliseconds)]


class WireModel(BaseModel):
    """Strict about the fields it names, blind to all others."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)


def parse(model: type[M], payload: object, *, system: str, source: str) -> M:
    """The payload as `model`.

    Raises:
        ContractError: it is not; names the first wrong field and counts the others.
    """
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        problem, _ = _first_problem(error)
        others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ContractError(system, f"{source} answered with a wrong shape: {problem}{others}") from None


def parse_each(
    model: type[M],
    records: Iterable[tuple[str, object]],
    build: Callable[[M], T],
    *,
    system: str,
    source: str,
) -> tuple[tuple[T, ...], tuple[RejectedRecord, ...]]:
    """The good records built, the bad ones counted: one bad record never hides the others.

    Args:
        model: of one record.
        records: each with the name it gets when it is rejected.
        build: makes the domain object; raises ValueError, with the field in its text, for values that cannot be true.
        system: for errors.
        source: for errors.

    Raises:
        ContractError: no record is usable and at least one has a wrong shape, so the contract has changed.
    """
    good: list[T] = []
    rejected: list[RejectedRecord] = []
    wrong_shape = ""
    for name, record in records:
        try:
            good.append(build(model.model_validate(record)))
        except ValidationError as error:
            problem, kind = _first_problem(error)
            rejected.append(RejectedRecord(name, problem))
            if kind not in VALUE_PROBLEMS:
                wrong_shape = wrong_shape or problem
        except ValueError as error:
            rejected.append(RejectedRecord(name, str(error)))
    if wrong_shape and not good:
        raise ContractError(system, f"{source} answered with no usable record: {wrong_shape}")
    return tuple(good), tuple(rejected)


def as_list(payload: object, *, system: str, source: str) -> list[Any]:
    """The payload, which must be a list.

    Raises:
        ContractError: it is something else; says what.
    """
    if not isinstance(payload, list):
        raise ContractError(system, f"{source} answered with a wrong shape: {type(payload).__name__} instead of a list")
    return payload


def as_object(payload: object, *, system: str, source: str) -> Mapping[str, Any]:
    """The payload, which must be a JSON object.

    Raises:
        ContractError: it is something else; says what.
    """
    if not isinstance(payload, dict):
        raise ContractError(
            system, f"{source} answered with a wrong shape: {type(payload).__name__} instead of an object"
        )
    return payload


def _first_problem(error: ValidationError) -> tuple[str, str]:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole answer"
    if first["type"] == "missing":
        return f"{field} is missing", "missing"
    message = first["msg"] if first["msg"].startswith("is ") else f"is wrong ({first['msg']})"
    return f"{field} {message}", first["type"]
