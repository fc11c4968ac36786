"""The badge is a small, inert picture that says its state in words."""

from xml.etree import ElementTree as ET

import pytest

from tradeops.dashboard.badge import COLOURS, draw
from tradeops.domain.window.values import State

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_words(state: State) -> None:
    picture = ET.fromstring(draw(state))  # noqa: S314 - our own
    word = state.value.replace("_", " ")
    assert picture.attrib["aria-label"] == picture.findtext(f"{NAMESPACE}title") == f"trading bot: {word}"
    assert [text.text or "" for text in picture.iter(f"{NAMESPACE}text")][1].endswith(word)
    assert not {"script", "style", "foreignObject", "image", "use"} & {
        one.tag.removeprefix(NAMESPACE) for one in picture.iter()
    }


@pytest.mark.parametrize("colour", [*COLOURS.values(), "#444444"])
def test_white_text_can_be_read_on_every_colour(colour: str) -> None:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5
