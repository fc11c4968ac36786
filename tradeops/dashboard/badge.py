"""A small picture that says how the bot is, for a README or a wiki. States alone, in words as well as in colour."""

from html import escape

from tradeops.domain.window.values import State

LABEL = "trading bot"
COLOURS = {  # each with white text at 4.5:1 or better
    State.HEALTHY: "#006d50",
    State.DEGRADED: "#8f5b00",
    State.CRITICAL: "#b3261e",
    State.NOT_CONFIGURED: "#5f6368",
    State.UNKNOWN: "#5f6368",
}
MARKS = {State.HEALTHY: "✓", State.DEGRADED: "▲", State.CRITICAL: "✗", State.NOT_CONFIGURED: "–", State.UNKNOWN: "?"}
MEDIA_TYPE = "image/svg+xml"
CHARACTER, MARGIN, HEIGHT = 6.6, 7, 20
TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" aria-label="{words}">
<title>{words}</title>
<rect width="{width}" height="{height}" rx="3" fill="#444"/>
<path d="M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{margin}" y="14" textLength="{label_length}">{label}</text>
<text x="{middle}" y="14" textLength="{word_length}">{word}</text>
</g>
</svg>
"""


def draw(state: State) -> str:
    """The badge as SVG, without script, style or anything that is loaded."""
    word = f"{MARKS[state]} {state.value.replace('_', ' ')}"
    label_length, word_length = round(len(LABEL) * CHARACTER), round(len(word) * CHARACTER)
    left = label_length + 2 * MARGIN
    width = left + word_length + 2 * MARGIN
    return TEMPLATE.format(
        width=width,
        height=HEIGHT,
        words=escape(f"{LABEL}: {state.value.replace('_', ' ')}"),
        left=left,
        inner=width - left - 3,
        colour=COLOURS[state],
        margin=MARGIN,
        label_length=label_length,
        label=escape(LABEL),
        middle=left + MARGIN,
        word_length=word_length,
        word=escape(word),
    )
