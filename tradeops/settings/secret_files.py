"""Settings from a folder of files, as containers are given their secrets: a file bears the name of its setting.

It is the folder that TRADEOPS_SECRETS_DIR names. The environment and the settings file win over it; a file without
content counts as not set.
"""

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from tradeops.errors import MisconfiguredError

VARIABLE = "TRADEOPS_SECRETS_DIR"


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that reads that folder, or nothing where none is named."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of one setting's file, `None` without; where it goes; that it is no JSON.

        Raises:
            MisconfiguredError: it cannot be read.
        """
        name = str(field.validation_alias or field_name)
        return read(name), name, False

    def __call__(self) -> dict[str, Any]:
        """All that have a file with something in it.

        Raises:
            MisconfiguredError: the folder is none, or a file in it cannot be read.
        """
        found = (self.get_field_value(info, name) for name, info in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value}


def read(name: str) -> str | None:
    """What the file of that setting says, without blanks around it; `None` when there is no such file, or no folder.

    Raises:
        MisconfiguredError: what is named is no folder, or the file cannot be read.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise MisconfiguredError("settings", f"{VARIABLE} is no folder: {folder}")
    try:
        return (folder / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise MisconfiguredError("settings", f"the file of {name} in {folder} cannot be read: {why}") from None
