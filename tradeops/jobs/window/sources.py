"""What the dashboard reads from. Nothing of it is ever written to."""

from dataclasses import dataclass

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.store import ReadableStore
from tradeops.settings import Settings


@dataclass(frozen=True, slots=True)
class Sources:
    """Where figures come from.

    Attributes:
        settings: of the process.
        store: what the jobs kept.
        engine: asked live, within short bounds; `None` is "not configured".
    """

    settings: Settings
    store: ReadableStore
    engine: EngineClient | None
