"""How figures, links and data are written into pages."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from tradeops.dashboard import templating
from tradeops.domain.figures import known, known_amount, unknown, unknown_amount


@pytest.mark.parametrize(
    ("value", "shown"),
    [(100.0, "100"), (99.999, "99.99"), (99.96, "99.96"), (99.94, "99.9"), (0.0, "0.0"), (33.333, "33.3")],
)
def test_an_uptime_is_a_hundred_only_when_nothing_failed(value: float, shown: str) -> None:
    assert templating.uptime(known(value)) == shown
    assert templating.uptime(unknown("no checks")) == "n/a"


@pytest.mark.parametrize(
    ("value", "shown"), [("1.361", "$1.36"), ("0", "$0.00"), ("0.000415", "$0.0004"), ("-0.005", "−$0.0050")]
)
def test_a_cost_below_a_cent_is_not_shown_as_nothing(value: str, shown: str) -> None:
    assert templating.cost(known_amount(Decimal(value))) == shown
    assert templating.cost(unknown_amount("why")) == "n/a: why"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172799, "47 h"), (172800, "2 d")],
)
def test_how_long_something_lasted_is_said_in_one_unit(seconds: float, shown: str) -> None:
    assert templating.lasted(timedelta(seconds=seconds)) == templating.lasted(seconds) == shown


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("http://127.0.0.1:4200/runs/x", True),
        ("https://example.com", True),
        ("/incidents/x", True),
        ("javascript:alert(1)", False),
        ("//example.com/x", False),
        ("data:text/html,x", False),
        ("incidents", False),
        ("http:x", False),
    ],
)
def test_a_link_leads_to_http_or_to_a_page_of_ours(address: str, *, kept: bool) -> None:
    assert templating.href(address) == (address if kept else "")


def test_data_in_a_page_cannot_end_its_element() -> None:
    data = {"a": "</script><!--&", "b": [1.5, None]}
    written = templating.as_json(data)
    assert not set("<>&") & set(written)
    assert json.loads(written) == data
    with pytest.raises(ValueError, match="JSON compliant"):
        templating.as_json({"a": float("nan")})


def test_a_command_in_words_is_code_and_the_rest_is_text() -> None:
    assert templating.ticks("run `a <b>` & wait") == "run <code>a &lt;b&gt;</code> &amp; wait"
