"""The prompts, files of the package: `prompts/NAME.vN.md`. A changed prompt is a new version, never a changed file."""

import re
from importlib.resources import files

from tradeops.domain.llm import PromptTemplate
from tradeops.errors import MisconfiguredError

FOLDER = "prompts"


def load_prompt(name: str = "self_analysis", *, version: int | None = None) -> PromptTemplate:
    """A prompt; the newest version when none is named.

    Raises:
        MisconfiguredError: there is no such prompt.
    """
    folder = files("tradeops").joinpath(FOLDER)
    found = {
        int(match[1]): file for file in folder.iterdir() if (match := re.fullmatch(rf"{name}\.v(\d+)\.md", file.name))
    }
    chosen = max(found, default=0) if version is None else version
    if chosen not in found:
        remedy = f"there are {', '.join(f'v{known}' for known in sorted(found)) or 'none'}"
        raise MisconfiguredError("prompts", f"there is no prompt {name}.v{chosen}", remedy=remedy)
    return PromptTemplate.of(found[chosen].read_text("utf-8"), name=name, version=chosen)
