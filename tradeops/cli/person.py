"""Who sits at the terminal, for records of what a person did."""

import getpass


def whoami() -> str:
    """The name of the user; `operator` where the system knows none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
