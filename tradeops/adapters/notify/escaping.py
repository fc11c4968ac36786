"""Foreign text made harmless: names of strategies and words of exceptions may hold markup, mentions and worse."""

import html
import re

LONE_SURROGATES = re.compile("[\ud800-\udfff]")
LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")  # controls; text direction
MASS_MENTION = re.compile("@(?=everyone|here|channel)", re.IGNORECASE)
SLACK_COMMAND = re.compile("<(?=[!@#])")
WEB_ADDRESS = re.compile(r"(https?://\S+)")
DISCORD_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\*_~`|<>"})
DISCORD_LINE_MARK = re.compile(r"(?m)^([ \t]*)(?=[-+#])")
INVISIBLE = "\u200b"


def cleaned(text: str) -> str:
    r"""Text that every service takes: line ends are \n, lone surrogates are replaced, control characters are gone."""
    return UNSEEN.sub("", LINE_ENDS.sub("\n", LONE_SURROGATES.sub("\ufffd", text)))


def one_line(text: str) -> str:
    """Cleaned, and on one line; fit for the header of an e-mail."""
    return " ".join(cleaned(text).split())


def calm(text: str) -> str:
    """Without mentions that wake a whole channel; looks as before."""
    return MASS_MENTION.sub(f"@{INVISIBLE}", text)


def slack(text: str) -> str:
    """As Slack shows it unchanged, `<!channel>` included."""
    return html.escape(calm(text), quote=False)


def discord(text: str) -> str:
    """As Discord shows it unchanged where it reads Markdown, which it does not within addresses of the web."""
    parts = WEB_ADDRESS.split(text)
    parts[::2] = [words.translate(DISCORD_MARKUP).replace("](", r"\](") for words in parts[::2]]
    return calm(DISCORD_LINE_MARK.sub(r"\1\\", "".join(parts)))


def telegram(text: str) -> str:
    """As Telegram shows it unchanged in HTML mode."""
    return html.escape(calm(text), quote=False)


def plain(text: str) -> str:
    """For a service whose markup is unknown: no mention of a whole channel, in no dialect."""
    return SLACK_COMMAND.sub(f"<{INVISIBLE}", calm(text))
