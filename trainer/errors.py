"""What the service refuses, with the HTTP status that says so."""

from http import HTTPStatus


class TrainerError(Exception):
    """A request that cannot be met.

    Attributes:
        status: of the answer.
        retry_after: seconds after which the same request may be met; `None` when waiting does not help.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, problem: str, *, retry_after: int | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class UnknownError(TrainerError):
    """There is nothing of that name."""

    status = HTTPStatus.NOT_FOUND


class TakenError(TrainerError):
    """Somebody else was first, or another one is at work."""

    status = HTTPStatus.CONFLICT


class BusyError(TrainerError):
    """Too much at once."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class DamagedError(TrainerError):
    """A file is not what was written: nothing is served from it."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class FullError(TrainerError):
    """There is too little disk space left: free some before the next training."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
