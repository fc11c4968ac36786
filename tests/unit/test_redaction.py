"""Secrets in the words of others: as they are, as they come back escaped, and not half of one."""

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeops.redaction import Redactor, of_basic

SECRET = "planted-se/cret&more+1"
REDACTOR = Redactor((SECRET, ""))


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        SECRET.upper(),
        json.dumps(SECRET).replace("/", "\\/")[1:-1],
        SECRET.replace("-", "\\u002d").replace("&", "\\\\u0026"),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        html.escape(SECRET),
        SECRET.replace("-", "&#45;").replace("/", "&#x2F;"),
    ],
)
def test_every_customary_spelling_is_found(spelled: str) -> None:
    assert REDACTOR.text(f"You sent {spelled}!") == "You sent ***!"


def test_an_answer_is_parsed_as_before_without_the_long_ones() -> None:
    short = Redactor((SECRET, "data"))
    assert short.data(json.dumps({"data": SECRET}).encode()) == b'{"data": "***"}'
    assert short.text('{"data": 1}') == '{"***": 1}'


def test_the_longer_of_two_goes_first_so_that_no_half_stays() -> None:
    assert Redactor(("planted-one", "planted-one-more")).text("planted-one-more") == "***"


def test_a_basic_credential_is_known_decoded_too() -> None:
    assert of_basic("YWRtaW46cGFzczp3b3Jk") == ("YWRtaW46cGFzczp3b3Jk", "admin:pass:word", "pass:word")
    assert of_basic("no base64") == ("no base64",)
    assert SECRET not in repr(REDACTOR)


@settings(deadline=None)
@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_the_secret_it_does_not_come_through(secret: str, before: str, after: str) -> None:
    hidden = Redactor((secret,)).text(before + secret + after)
    assert secret not in hidden.replace("***", "\n\0") or secret in "\n\0"


@settings(deadline=None)
@given(st.binary())
def test_an_answer_without_secrets_is_left_as_it_is(data: bytes) -> None:
    assert REDACTOR.data(data) == data
