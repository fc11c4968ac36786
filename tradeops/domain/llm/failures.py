"""Why a vote of the language model has no proposal; each of them counts as `wait`."""

from enum import StrEnum


class Failure(StrEnum):
    """What went wrong, as it is kept and told."""

    # no answer, or one that says no
    QUOTA = "quota"  # no money left there: asking again cannot help
    MODEL_GONE = "model_gone"  # retired, or never there
    RATE_LIMITED = "rate_limited"
    BAD_REQUEST = "bad_request"
    SETTINGS = "settings"  # the key, the address, or which API is spoken there
    SERVER = "server"
    UNREACHABLE = "unreachable"  # nothing was sent, so nothing is billed
    LOST = "lost"  # reset half-way: it may be billed
    STALLED = "stalled"  # not finished in time: it may be billed
    TOO_LARGE = "too_large"
    NO_BUDGET = "no_budget"  # not sent

    # an answer that cannot be used
    REFUSED = "refused"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    FOREIGN = "foreign"  # a web page, or anything else that is no answer of this API
    NOT_JSON = "not_json"
    SCHEMA = "schema"

    @property
    def service_failing(self) -> bool:
        """Whether the service is why, so that the rules speak in its place."""
        return self in SERVICE

    @property
    def critical(self) -> bool:
        """Whether a person must do something before any later call can succeed."""
        return self in CRITICAL

    @property
    def repeatable(self) -> bool:
        """Whether the same call may succeed in a moment."""
        return self in REPEATABLE


CRITICAL = frozenset({Failure.QUOTA, Failure.MODEL_GONE})
REPEATABLE = frozenset({Failure.RATE_LIMITED, Failure.SERVER, Failure.UNREACHABLE, Failure.LOST, Failure.STALLED})
SERVICE = CRITICAL | REPEATABLE | {Failure.SETTINGS, Failure.TOO_LARGE}
