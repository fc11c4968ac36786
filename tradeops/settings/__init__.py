"""Every setting of the product: one module a section, put together in `effective`."""

from tradeops.settings.effective import (
    MASK,
    SECTIONS,
    Settings,
    effective_settings,
    env_file,
    load_settings,
    secrets_of,
    unknown_names,
)

__all__ = [
    "MASK",
    "SECTIONS",
    "Settings",
    "effective_settings",
    "env_file",
    "load_settings",
    "secrets_of",
    "unknown_names",
]
