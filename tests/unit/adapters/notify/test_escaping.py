"""Foreign words are shown, never obeyed."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeops.adapters.notify import escaping
from tradeops.adapters.notify.escaping import cleaned, one_line

ANYTHING = st.text(st.characters(codec=None), max_size=60)
MASS_MENTION = re.compile(r"@(everyone|here|channel)", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\x00b\x1b[31mc\x07", "ab[31mc", id="control characters"),
        pytest.param("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne", id="line ends of all kinds"),
        pytest.param("tab\there", "tab\there", id="a tab stays"),
        pytest.param("lone \ud83d half", "lone \ufffd half", id="half an emoji"),
        pytest.param("user\u202egnp.exe", "usergnp.exe", id="text turned around"),
        pytest.param("naïve 日本 🚀", "naïve 日本 🚀", id="foreign letters stay"),
    ],
)
def test_what_no_service_takes_is_cleaned(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_a_title_is_one_line() -> None:
    assert one_line(" a\r\nBcc: b@example.com\n\tc ") == "a Bcc: b@example.com c"


@pytest.mark.parametrize("escape", [escaping.slack, escaping.discord, escaping.telegram, escaping.plain])
@pytest.mark.parametrize("word", ["@everyone", "@here", "@channel", "@Everyone"])
def test_nobody_is_woken_by_a_name(escape: object, word: str) -> None:
    assert callable(escape)
    assert not MASS_MENTION.search(escape(f"strategy {word} {word}x"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<!channel> & <https://x|y>", "&lt;!channel&gt; &amp; &lt;https://x|y&gt;"),
        ("*bold* stays, as Slack is told to format nothing", "*bold* stays, as Slack is told to format nothing"),
    ],
)
def test_slack_gets_no_command(text: str, expected: str) -> None:
    assert escaping.slack(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*b* _i_ ~s~ `c` ||p||", r"\*b\* \_i\_ \~s\~ \`c\` \|\|p\|\|"),
        ("<@1> <#2>", r"\<@1\> \<#2\>"),
        ("[x](https://evil.example/a_b)", r"[x\](https://evil.example/a_b)"),
        ("https://x.example/a_b_c and a_b", r"https://x.example/a_b_c and a\_b"),
        ("# head\n- item\n  + item\n> quote", "\\# head\n\\- item\n  \\+ item\n\\> quote"),
        ("-5 % and #5", r"\-5 % and #5"),
        ("\\", "\\\\"),
    ],
)
def test_discord_gets_no_markup(text: str, expected: str) -> None:
    assert escaping.discord(text) == expected


def test_telegram_gets_no_tag() -> None:
    assert escaping.telegram("</b><script> & 'x'") == "&lt;/b&gt;&lt;script&gt; &amp; 'x'"


def test_a_service_of_unknown_markup_gets_no_command_of_slack() -> None:
    assert not re.search(r"<[!@#]", escaping.plain("<!channel> <@U1> <#C1>"))


@settings(deadline=None)
@given(ANYTHING)
def test_cleaned_text_can_be_sent_and_cleaning_it_again_changes_nothing(text: str) -> None:
    once = cleaned(text)
    once.encode()
    assert cleaned(once) == once
    assert once.replace("\n", "").replace("\t", "").isprintable() or not once.isascii()


@settings(deadline=None)
@given(st.text(max_size=60))
def test_slack_and_telegram_show_the_very_text(text: str) -> None:
    assert html.unescape(escaping.telegram(text)).replace("\u200b", "") == text.replace("\u200b", "")
    assert "<" not in escaping.slack(text)


@settings(deadline=None)
@given(st.text(st.sampled_from("a*_[](<>\\-#+\n `|~:/htps."), max_size=40))
def test_discord_shows_the_very_text(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", re.sub(r"https?://\S+", "", escaping.discord(text))) == re.sub(
        r"https?://\S+", "", text
    )
