"""What the lock files name, put together."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN, TRAINER, DEVELOPMENT = "requirements.lock", "requirements-trainer.lock", "requirements-dev.lock"


def merged(*locks: str) -> str:
    """Several locks as one, each package once: they were made to agree."""
    found: dict[str, str] = {}
    for lock in locks:
        for requirement in re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip()):
            found.setdefault(requirement.split()[0], requirement)
    return "\n".join(found[name] for name in sorted(found)) + "\n"
