"""What the errors of MongoDB's driver mean for the operator; its own words may carry the address and are not quoted."""

import re

from bson.errors import BSONError
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError

from tradeops.errors import MisconfiguredError, RejectedError, TradeOpsError, UnavailableError
from tradeops.tls_faults import tls_fault

NOT_ALLOWED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, AtlasError (as which Atlas says both)
NO_PRIMARY = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})
# BadValue, FailedToParse, TypeMismatch, InvalidBSON, DollarPrefixedFieldName, InvalidNamespace,
# DocumentValidationFailure, BSONObjectTooLarge: the record is to blame, and would be refused again
BAD_RECORD = frozenset({2, 9, 14, 22, 52, 73, 121, 10334})
# CommandNotFound, InvalidOptions, CommandNotSupported, NotImplemented
NOT_SUPPORTED = frozenset({59, 72, 115, 238})


def hosts_of(url: str) -> str:
    """The hosts of an address, without user and password, however badly it is written."""
    rest = url.partition("://")[2]
    before, at, after = re.split("[/?#]", rest, maxsplit=1)[0].partition("@")
    if rest.count("@") > len(at):  # a password with a bare @ or slash: what looks like the host may be part of it
        return "an unreadable address"
    return after if at else before


def bad_address(hosts: str) -> MisconfiguredError:
    """What the driver does not take."""
    remedy = "check MONGODB_URL: its port, its options, and % signs in its password"
    return MisconfiguredError("store", f"the address of MongoDB at {hosts} is not valid", remedy=remedy)


def typed_error(error: PyMongoError | BSONError, hosts: str) -> TradeOpsError:
    """The error of our tree."""
    match error:
        case OperationFailure():
            return _refusal(error.code, hosts)
        case ConfigurationError():
            return bad_address(hosts)
        case BSONError():
            return RejectedError("store", "the record is no BSON, or larger than the 16 MiB that MongoDB keeps")
        case ConnectionFailure() if fault := tls_fault(error, address=f"MongoDB at {hosts}", setting="MONGODB_URL"):
            return UnavailableError("store", fault.problem, remedy=fault.remedy)  # so that records are spooled
        case ConnectionFailure():
            return UnavailableError("store", f"MongoDB at {hosts} does not answer", remedy="start it")
        case _:
            return UnavailableError("store", f"MongoDB at {hosts}: {type(error).__name__}")


def _refusal(code: int | None, hosts: str) -> TradeOpsError:
    if code in NOT_ALLOWED:
        remedy = "check user, password and rights in MONGODB_URL: we need to read and write the database tradeops"
        return MisconfiguredError("store", f"MongoDB at {hosts} does not let us in", remedy=remedy)
    if code in NO_PRIMARY:
        return UnavailableError("store", f"MongoDB at {hosts} has no primary", remedy="look at its replica set")
    if code in BAD_RECORD:
        return RejectedError("store", f"MongoDB at {hosts} refused the record with code {code}")
    return UnavailableError("store", f"MongoDB at {hosts} failed with code {code}", remedy="look at its log")
