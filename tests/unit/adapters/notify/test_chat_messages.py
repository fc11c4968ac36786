"""What Slack, Discord and Telegram are sent: their formats, their colours, and each size limit -1, 0, +1."""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.adapters.notify.notices import EMOJI, HOSTILE, OCCURRED_AT, notice
from tradeops.adapters.notify import discord, slack, telegram
from tradeops.adapters.notify.splitting import utf16_units
from tradeops.domain.notices import Level, Notice

AROUND = pytest.mark.parametrize("off", [-1, 0, 1], ids=["one below", "at the limit", "one above"])


def attachments(of: Notice) -> list[dict[str, Any]]:
    return [message["attachments"][0] for message in slack.messages(of)]


def embeds(of: Notice) -> list[dict[str, Any]]:
    return [message["embeds"][0] for message in discord.messages(of)]


def texts(of: Notice) -> list[str]:
    return [message["text"] for message in telegram.messages(of, "7")]


def embed_size(embed: dict[str, Any]) -> int:
    fields = "".join(field["name"] + field["value"] for field in embed["fields"])
    return utf16_units(embed["title"] + embed.get("description", "") + embed["footer"]["text"] + fields)


def test_slack_gets_an_attachment() -> None:
    sent = notice(fields=(("strategy", "rsi"), ("reason", "x" * 41)), link="https://ui.example/runs/1?a=1&b=2")
    assert slack.messages(sent) == [
        {
            "attachments": [
                {
                    "fallback": "[CRITICAL] Bot engine is down",
                    "color": "#990000",
                    "title": "[CRITICAL] Bot engine is down",
                    "title_link": "https://ui.example/runs/1?a=1&b=2",
                    "text": "It refused the connection.\nSince 03:14 UTC.",
                    "fields": [
                        {"title": "strategy", "value": "rsi", "short": True},
                        {"title": "reason", "value": "x" * 41, "short": False},
                    ],
                    "footer": "TradeOps",
                    "ts": 1795576507,
                    "mrkdwn_in": [],
                }
            ]
        }
    ]


def test_discord_gets_an_embed_and_may_mention_nobody() -> None:
    sent = notice(fields=(("strategy", "rsi"),), link="https://ui.example/runs/1")
    assert discord.messages(sent) == [
        {
            "embeds": [
                {
                    "title": "[CRITICAL] Bot engine is down",
                    "url": "https://ui.example/runs/1",
                    "description": "It refused the connection.\nSince 03:14 UTC.",
                    "color": 10038562,
                    "fields": [{"name": "strategy", "value": "rsi", "inline": True}],
                    "footer": {"text": "TradeOps"},
                    "timestamp": "2026-11-25T03:15:07+00:00",
                }
            ],
            "allowed_mentions": {"parse": []},
        }
    ]


def test_telegram_gets_html() -> None:
    sent = notice(fields=(("strategy", "rsi"),), link="https://ui.example/?a=1&b=2")
    assert telegram.messages(sent, "@desk") == [
        {
            "chat_id": "@desk",
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            "text": "<b>[CRITICAL] Bot engine is down</b>\n\n"
            "It refused the connection.\nSince 03:14 UTC.\nstrategy: rsi\n\n"
            '<a href="https://ui.example/?a=1&amp;b=2">details</a>\n\n'
            "<i>2026-11-25 03:15:07 UTC · TradeOps</i>",
        }
    ]


@pytest.mark.parametrize(
    ("level", "of_slack", "of_discord"),
    [
        (Level.INFO, "#36a64f", 3447003),
        (Level.WARNING, "#ff9900", 16776960),
        (Level.ERROR, "#ff0000", 16711680),
        (Level.CRITICAL, "#990000", 10038562),
    ],
)
def test_each_level_has_its_colour_and_its_word(level: Level, of_slack: str, of_discord: int) -> None:
    sent = notice(level=level)
    assert attachments(sent)[0]["color"] == of_slack
    assert embeds(sent)[0]["color"] == of_discord
    for title in (attachments(sent)[0]["title"], embeds(sent)[0]["title"], texts(sent)[0]):
        assert f"[{level.name}] " in title


def test_times_are_of_the_moment_whatever_its_zone() -> None:
    sent = notice(occurred_at=OCCURRED_AT.astimezone(timezone(timedelta(hours=9))))
    assert attachments(sent)[0]["ts"] == 1795576507
    assert embeds(sent)[0]["timestamp"] == "2026-11-25T03:15:07+00:00"
    assert "2026-11-25 03:15:07 UTC" in texts(sent)[0]


@AROUND
@pytest.mark.parametrize("letter", ["x", EMOJI], ids=["letters", "emoji"])
@pytest.mark.parametrize(
    ("parts_of", "limit"),
    [
        pytest.param(lambda n: [a["text"] for a in attachments(n)], 3000, id="slack text"),
        pytest.param(lambda n: [e["description"] for e in embeds(n)], 4096, id="discord description"),
    ],
)
def test_a_text_is_split_only_above_the_limit(
    parts_of: Callable[[Notice], list[str]], limit: int, letter: str, off: int
) -> None:
    length = limit // utf16_units(letter) + off
    parts = parts_of(notice(body=letter * length))
    assert len(parts) == (2 if off > 0 else 1)
    assert "".join(parts) == letter * length
    assert all(utf16_units(part) <= limit for part in parts)


@AROUND
def test_telegrams_limit_counts_the_message_as_sent(off: int) -> None:
    footer_room = len(" · part 9999 of 9999")
    frame = utf16_units(texts(notice(body="x"))[0]) - 1 + footer_room
    [*parts] = texts(notice(body="x" * (4096 - frame + off)))
    assert len(parts) == (2 if off > 0 else 1)
    assert sum(part.count("x") for part in parts) == 4096 - frame + off
    assert all(utf16_units(part) <= 4096 for part in parts)


def test_a_telegram_text_full_of_markup_is_within_the_limit_as_it_is_sent() -> None:
    parts = texts(notice(title="<" * 300, body=f"<&>{EMOJI}" * 2000))
    assert all(utf16_units(part) <= 4096 for part in parts)
    assert sum(part.count(EMOJI) for part in parts) == 2000


@AROUND
@pytest.mark.parametrize(
    ("parts_of", "limit"),
    [
        pytest.param(lambda n: [(a["title"], a["text"]) for a in attachments(n)], 150, id="slack"),
        pytest.param(lambda n: [(e["title"], e["description"]) for e in embeds(n)], 256, id="discord"),
    ],
)
def test_a_title_above_the_limit_is_shortened_and_stands_in_full_in_the_text(
    parts_of: Callable[[Notice], list[tuple[str, str]]], limit: int, off: int
) -> None:
    full = "[CRITICAL] " + "t" * (limit - len("[CRITICAL] ") + off)
    [(title, text)] = parts_of(notice(title=full.removeprefix("[CRITICAL] "), body="what happened"))
    assert title == (full if off <= 0 else full[: limit - 1] + "…")
    assert text == ("what happened" if off <= 0 else f"{full}\nwhat happened")


@AROUND
@pytest.mark.parametrize(
    ("fields_of", "count"),
    [pytest.param(lambda n: attachments(n)[0], 10, id="slack"), pytest.param(lambda n: embeds(n)[0], 25, id="discord")],
)
def test_fields_that_are_too_many_become_lines(
    fields_of: Callable[[Notice], dict[str, Any]], count: int, off: int
) -> None:
    given_fields = tuple((f"name {n}", f"value {n}") for n in range(count + off))
    part = fields_of(notice(fields=given_fields))
    assert len(part["fields"]) == min(count, count + off)
    text = part.get("text") or part.get("description", "")
    assert (f"name {count}: value {count}" in text) is (off > 0)


@AROUND
@pytest.mark.parametrize(("what", "limit"), [("name", 256), ("value", 1024)])
def test_a_discord_field_that_is_too_long_becomes_a_line(what: str, limit: int, off: int) -> None:
    long = "x" * (limit + off)
    field = (long, "v") if what == "name" else ("n", long)
    [embed] = embeds(notice(fields=(field, ("short", "one"))))
    assert [f["name"] for f in embed["fields"]] == (["short"] if off > 0 else [field[0], "short"])
    assert (f"{field[0]}: {field[1]}" in embed["description"]) is (off > 0)


@AROUND
def test_a_discord_message_is_at_most_6000_in_all(off: int) -> None:
    title = utf16_units("[CRITICAL] Bot engine is down")
    footer = len("TradeOps · part 9999 of 9999")
    left = 6000 - title - footer - 4096
    fields = (("n", "x" * 1023), ("m", "y" * (left - 1024 - 1 + off)))
    sent = embeds(notice(body="b" * 4096, fields=fields))
    assert all(embed_size(embed) <= 6000 for embed in sent)
    assert len(sent[0]["fields"]) == (1 if off > 0 else 2)
    everything = json.dumps(sent)
    assert everything.count("b" * 4096) == 1
    assert everything.count("y" * (left - 1024 - 1 + off)) == 1


def test_parts_say_which_they_are_and_carry_title_and_level_each() -> None:
    sent = notice(body="\n".join(["y" * 99] * 60))
    assert [a["footer"] for a in attachments(sent)] == ["TradeOps · part 1 of 2", "TradeOps · part 2 of 2"]
    assert [e["footer"]["text"] for e in embeds(sent)] == ["TradeOps · part 1 of 2", "TradeOps · part 2 of 2"]
    assert [text.endswith(f"part {n} of 2</i>") for n, text in enumerate(texts(sent), 1)] == [True, True]
    assert {a["title"] for a in attachments(sent)} == {"[CRITICAL] Bot engine is down"}


def test_only_the_first_part_carries_the_fields() -> None:
    sent = notice(body="x" * 9000, fields=(("strategy", "rsi"),))
    assert [len(a["fields"]) for a in attachments(sent)] == [1, 0, 0]
    assert [len(e["fields"]) for e in embeds(sent)] == [1, 0, 0]


def test_a_field_without_words_is_a_dash_as_discord_refuses_empty_ones() -> None:
    [embed] = embeds(notice(fields=(("", " \n"),)))
    assert [(f["name"], f["value"]) for f in embed["fields"]] == [("–", "–")]


def test_a_notice_without_a_body_is_its_title() -> None:
    assert "description" not in embeds(notice(body=""))[0]
    assert attachments(notice(body=""))[0]["text"] == ""
    assert texts(notice(body="\n"))[0].startswith("<b>[CRITICAL] Bot engine is down</b>\n\n<i>")


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "https://x.example/ y", f"https://x.example/{'a' * 1000}", "https://x.example/\u202e", "x"],
    ids=["script", "blank", "long", "turned around", "no address"],
)
def test_a_link_that_a_service_would_refuse_is_shown_as_text(link: str) -> None:
    sent = notice(link=link)
    assert "title_link" not in attachments(sent)[0]
    assert "url" not in embeds(sent)[0]
    assert "<a " not in texts(sent)[0]
    assert link[:10] in attachments(sent)[0]["text"].replace("\\", "")


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    sent = notice(title=HOSTILE, body=HOSTILE, fields=((HOSTILE, HOSTILE),))
    for payload in (*slack.messages(sent), *discord.messages(sent), *telegram.messages(sent, "7")):
        told = json.dumps(payload, ensure_ascii=False)
        told.encode()
        assert "@everyone" not in told
        assert "\\u0000" not in told
    for text in (*texts(sent), *(a["text"] + a["title"] for a in attachments(sent))):
        assert "<script" not in text
        assert "<!channel" not in text
        assert "<@" not in text
    assert re.sub(r"</?(b|i)>", "", texts(sent)[0]).count("<") == 0
    assert "](" not in embeds(sent)[0]["description"].replace("\\](", "")


@settings(deadline=None)
@given(
    title=st.text(max_size=400),
    body=st.text(st.sampled_from(f"a<&*\n {EMOJI}_-"), max_size=300).map(lambda text: text * 40),
    fields=st.lists(st.tuples(st.text(max_size=300), st.text(max_size=1100)), max_size=30),
)
def test_no_message_is_ever_too_long(title: str, body: str, fields: list[tuple[str, str]]) -> None:
    sent = notice(title=title, body=body, fields=tuple(fields))
    for attachment in attachments(sent):
        assert utf16_units(attachment["text"]) <= 3000
    for embed in embeds(sent):
        assert embed_size(embed) <= 6000
        assert utf16_units(embed["title"]) <= 256
        assert utf16_units(embed.get("description", "")) <= 4096
        assert len(embed["fields"]) <= 25
        assert all(0 < len(f["name"]) <= 256 and 0 < len(f["value"]) <= 1024 for f in embed["fields"])
    for text in texts(sent):
        assert utf16_units(text) <= 4096
    emoji = sum(html.unescape(text).count(EMOJI) for text in texts(sent))
    assert emoji >= body.count(EMOJI)


def test_the_epoch_is_of_an_aware_moment() -> None:
    assert datetime.fromtimestamp(attachments(notice())[0]["ts"], UTC) == OCCURRED_AT
