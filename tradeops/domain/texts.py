"""Text that can be told and kept, whatever came in. Pure."""


def whole(text: str) -> str:
    """The text with a question mark for each half character (a lone surrogate), which is no Unicode text."""
    return text.encode(errors="replace").decode()
