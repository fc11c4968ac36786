"""What a call costs, to the last digit, and what a price file must hold."""

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.adapters.llm.price_file import load_prices
from tradeops.domain.llm import Price, PriceTable, Usage, usage_of
from tradeops.errors import MisconfiguredError

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
COUNT = st.integers(0, 10**7)


def price() -> Price:
    values = {"input": Decimal("0.10"), "cached_input": Decimal("0.01"), "cache_write": Decimal("0.125")}
    return Price("m", date(2026, 1, 1), **values, output=Decimal("0.50"))


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        pytest.param(Usage(1300, 0, 0, 500, 0), "0.00038", id="plain"),
        pytest.param(Usage(1300, 1000, 0, 500, 0), "0.00029", id="cached input is cheaper"),
        pytest.param(Usage(1300, 0, 1000, 500, 0), "0.000405", id="written cache is dearer"),
        pytest.param(Usage(1300, 300, 200, 500, 320), "0.000358", id="all of it, reasoning within the output"),
        pytest.param(Usage(1, 0, 0, 0, 0), "0.0000001", id="one token"),
        pytest.param(Usage(0, 0, 0, 0, 0), "0", id="nothing"),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, usd: str) -> None:
    assert price().cost_usd(usage) == Decimal(usd)


@given(COUNT, COUNT, COUNT, COUNT)
def test_no_call_costs_more_than_its_upper_bound(plain: int, cached: int, written: int, output: int) -> None:
    tokens = plain + cached + written
    usage = Usage(tokens, cached, written, output, 0)
    assert price().cost_usd(usage) <= price().most_usd(prompt_bytes=tokens, output_tokens=output)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        pytest.param({"input_tokens": 9, "output_tokens": 4}, Usage(9, 0, 0, 4, 0), id="no details"),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": None},
            Usage(9, 0, 0, 4, 0),
            id="null details",
        ),
        pytest.param(
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 33,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(9, 0, 0, 24, 20),
            id="reasoning beside the output",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 20}},
            Usage(9, 0, 0, 20, 20),
            id="more reasoning than output",
        ),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 10}},
            None,
            id="cached > all",
        ),
        pytest.param({"input_tokens": True, "output_tokens": 4}, None, id="no count"),
        pytest.param({"input_tokens": 9.5, "output_tokens": 4}, None, id="half a token"),
        pytest.param({"input_tokens": 10**12, "output_tokens": 4}, None, id="beyond any call"),
        pytest.param({"input_tokens": 9}, None, id="half a usage"),
        pytest.param([], None, id="a list"),
        pytest.param(None, None, id="null"),
    ],
)
def test_usage_is_read_from_either_api_or_is_not_known(body: object, usage: Usage | None) -> None:
    assert usage_of({"usage": body}) == usage


TABLE = """
version = "v1"
[[price]]
model = "m"
valid_from = 2026-01-01
input = 2
output = 8.5
[[price]]
model = "m"
valid_from = 2026-10-01
input = 1
cached_input = 0.5
output = 4
shutdown = 2027-02-01
"""


def table(text: str = TABLE, unknown_usd: Decimal | None = None) -> PriceTable:
    return PriceTable.of(tomllib.loads(text, parse_float=Decimal), unknown_usd=unknown_usd)


@pytest.mark.parametrize(
    ("model", "at", "expected"),
    [
        ("m", NOW, Decimal(1)),
        ("m", datetime(2026, 9, 30, 23, 59, tzinfo=UTC), Decimal(2)),
        ("m", datetime(2026, 10, 1, tzinfo=UTC), Decimal(1)),
        ("m", datetime(2025, 12, 31, tzinfo=UTC), None),
        ("m-2026-10-05", NOW, Decimal(1)),
        ("m-mini", NOW, None),
        ("M", NOW, None),
    ],
)
def test_the_price_is_that_of_its_day(model: str, at: datetime, expected: Decimal | None) -> None:
    found = table().price(model, at)
    assert (found.input if found else None) == expected


def test_without_prices_of_their_own_cached_and_written_tokens_cost_what_input_costs() -> None:
    found = table().price("m", datetime(2026, 2, 1, tzinfo=UTC))
    assert found is not None
    assert (found.cached_input, found.cache_write) == (2, 2)


def test_an_unknown_model_has_no_price_or_the_configured_maximum_and_never_none_at_all() -> None:
    assert table().price("x", NOW) is None
    found = table(unknown_usd=Decimal(60)).price("x", NOW)
    assert found is not None
    assert found.cost_usd(Usage(10, 5, 5, 10, 0)) == Decimal("0.0012")


def test_the_end_of_a_model_is_known_from_its_newest_entry() -> None:
    assert table().shutdown("m-2026-10-05") == date(2027, 2, 1)
    assert table().shutdown("x") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no version"),
        ('version = "v"', r"no \[\[price\]\]"),
        ('version = "v"\nprice = [1]', "price 1 is no table"),
        ('version = "v"\n[[price]]\ninput = 1', "price 1 has no model"),
        (
            'version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = "1"\noutput = 1',
            "input is no price",
        ),
        ('version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = -1\noutput = 1', "input is no price"),
        (
            'version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = nan\noutput = 1',
            "input is no price",
        ),
        (
            'version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = inf\noutput = 1',
            "input is no price",
        ),
        ('version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = 1', "output is no price"),
        ('version = "v"\n[[price]]\nmodel = "m"\nvalid_from = "today"\ninput = 1\noutput = 1', "valid_from is no day"),
        ('version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01T00:00:00Z\ninput = 1\noutput = 1', "no day"),
        (
            'version = "v"\n[[price]]\nmodel = "m"\nvalid_from = 2026-01-01\ninput = 1\noutput = 1\nouput = 2',
            "unknown field",
        ),
    ],
)
def test_a_price_file_that_makes_no_sense_says_where(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        table(text)


def test_our_own_table_has_a_price_for_the_default_model_and_the_sandbox() -> None:
    ours = load_prices(None, unknown_usd=None)
    for model in ("gpt-6-luna", "gpt-6-luna-2026-09-22", "gpt-4o-mini", "sandbox"):
        found = ours.price(model, NOW)
        assert found is not None
        assert found.source
        assert 0 < found.cached_input <= found.input < found.output


def test_prices_of_ones_own_go_before_ours_and_change_the_version(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(TABLE.replace('"m"', '"gpt-6-luna"').replace("v1", "mine"))
    both = load_prices(own, unknown_usd=Decimal(9))
    found = both.price("gpt-6-luna", NOW)
    assert (both.version, found.input if found else None) == ("2026-11-25+mine", 1)
    assert both.price("gpt-4o-mini", NOW) is not None
    assert both.unknown_usd == 9


@pytest.mark.parametrize(
    "content", [None, "version = ", 'version = "v"', b"\xff\xfe"], ids=["none", "TOML", "empty", "bytes"]
)
def test_a_price_file_that_cannot_be_used_is_a_matter_of_settings(tmp_path: Path, content: str | bytes | None) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MisconfiguredError, match=r"own\.toml cannot be used: .*TRADEOPS_LLM_PRICE_FILE"):
        load_prices(own, unknown_usd=None)
