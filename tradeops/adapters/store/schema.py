"""Whether a store has the schema of this release, in the same words for every store."""

from tradeops.errors import MisconfiguredError, UnavailableError


def check_schema(where: str, version: int, known: int) -> None:
    """Return when a store can be read as it is; one that has no schema was never written.

    Raises:
        UnavailableError: it is not there yet, or older than this release; whoever writes makes it and moves it forward.
        MisconfiguredError: it is newer.
    """
    if version == 0:
        raise not_there(where)
    if version > known:
        raise too_new(where, version, known)
    if version < known:
        problem = f"{where} has schema {version}, this release reads {known}"
        raise UnavailableError("store", problem, remedy="the next job or the watchdog moves it forward")


def not_there(where: str) -> UnavailableError:
    """Nothing was ever kept there."""
    return UnavailableError("store", f"{where} is not there yet", remedy="the next job or the watchdog makes it")


def too_new(where: str, version: int, known: int) -> MisconfiguredError:
    """A newer release has changed it."""
    problem = f"{where} has schema {version}, this release knows {known}"
    return MisconfiguredError("store", problem, remedy="use the newer release again")
