"""The kinds of values that settings have: each says what is wrong with a bad one, and never repeats it."""

import re
from decimal import Decimal
from email.utils import parseaddr
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tradeops.domain.routing import ALL, parse_routes

READING = SettingsConfigDict(
    frozen=True, case_sensitive=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
)
CHANNEL_KINDS = ("slack", "discord", "telegram", "email", "webhook", "apprise")
UNVERIFIED = {  # options by which drivers trust anybody, and the values that do no harm
    "tlsinsecure": {"false"},
    "tlsallowinvalidcertificates": {"false"},
    "tlsallowinvalidhostnames": {"false"},
    "ssl_cert_reqs": {"required", "cert_required"},
    "ssl_check_hostname": {"true", "1", "yes"},
    "no_verify_ssl": {"0"},
    "verify": {"yes", "true", "1"},
}
FURTHER_HOSTS = re.compile(r",[^/?#@]*(?=[/?#]|$)")  # of a replica set; the first host stands for all


def _http_address(value: str) -> str:
    parts = _split(value, ("http", "https"))
    if parts.username or parts.password:
        raise ValueError("must not carry a user or password")
    if parts.query or parts.fragment:
        raise ValueError("must not carry a query or fragment")
    return value.rstrip("/")


def _secret_address(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        _split(FURTHER_HOSTS.sub("", value.get_secret_value()), schemes)
        if not schemes[0].startswith("http"):
            _refuse_unverified(value.get_secret_value())
        return value

    return AfterValidator(check)


def _split(value: str, schemes: tuple[str, ...]) -> Any:  # noqa: ANN401 - urlsplit's own result type is private
    expected = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("is no address: its host or port cannot be read") from None
    if parts.scheme not in schemes:
        raise ValueError(f"has no {expected}")
    if not parts.hostname:
        raise ValueError("has no host")
    return parts


def _refuse_unverified(address: str) -> None:
    query = re.split(r"[?#]", address, maxsplit=1)[1:]
    for name, value in parse_qsl("".join(query).replace(";", "&"), keep_blank_values=True):
        harmless = UNVERIFIED.get(name.lower())
        if harmless is not None and value.lower() not in harmless:
            raise ValueError(f"must not say {name.lower()}: name the authority in TRADEOPS_CA_FILE instead")


def _path_on_host(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must begin with /")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # no such name, one that leaves the folder, the name of a folder
        raise ValueError("is no IANA time zone") from None
    return value


def _bot_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", value.get_secret_value()):
        raise ValueError("is no token: a number, a colon, then letters and digits")
    return value


def parse_list(value: str | None) -> tuple[str, ...]:
    """The items of a comma list, in order, without spaces around them, empty ones and doubles."""
    return tuple(dict.fromkeys(item for item in map(str.strip, (value or "").split(",")) if item))


def parse_targets(value: str | None) -> tuple[str, ...]:
    """The Apprise addresses in a text; commas and blanks part them, but not within one that goes on after a comma."""
    return tuple(
        dict.fromkeys(item for item in re.split(r"[\s,]+(?=[A-Za-z0-9]+://)", (value or "").strip(" ,\n")) if item)
    )


def _apprise_targets(value: SecretStr) -> SecretStr:
    targets = parse_targets(value.get_secret_value())
    for number, target in enumerate(targets, 1):
        if not re.match(r"[A-Za-z0-9]+://\S+$", target):
            raise ValueError(f"has no scheme://… at place {number}")
        _refuse_unverified(target)
    return value


def _mailbox(value: str) -> str:
    address = parseaddr(value)[1]
    name, _, host = address.rpartition("@")
    if not (name and host and address.isascii() and value.isprintable()) or " " in address or "," in value:
        raise ValueError("is no e-mail address")
    return value


def _mailboxes(value: str) -> str:
    for item in parse_list(value):
        _mailbox(item)
    return value


def _known_channels(value: str) -> str:
    for name in parse_list(value):
        if name not in CHANNEL_KINDS:
            raise ValueError(f"names {name!r}, which is none of {', '.join(CHANNEL_KINDS)}")
    return value


def _routes(value: str) -> str:
    for rule in parse_routes(value):
        for target in rule.targets:
            kind, _, number = target.partition("-")
            if target != ALL and not (kind in CHANNEL_KINDS and (not number or number.isdecimal())):
                raise ValueError(f"names {target!r}, which is none of {', '.join(CHANNEL_KINDS)} and not {ALL}")
    return value


HttpAddress = Annotated[str, AfterValidator(_http_address)]
MongoAddress = Annotated[SecretStr, _secret_address("mongodb", "mongodb+srv")]
RedisAddress = Annotated[SecretStr, _secret_address("redis", "rediss", "unix")]
RabbitAddress = Annotated[SecretStr, _secret_address("amqp", "amqps")]
SecretHttpAddress = Annotated[SecretStr, _secret_address("http", "https")]
AppriseTargets = Annotated[SecretStr, AfterValidator(_apprise_targets)]
BotToken = Annotated[SecretStr, AfterValidator(_bot_token)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Mailboxes = Annotated[str, AfterValidator(_mailboxes)]
Routes = Annotated[str, AfterValidator(_routes)]
ChannelKinds = Annotated[str, AfterValidator(_known_channels)]
Port = Annotated[int, Field(ge=1, le=65535)]
UrlPath = Annotated[str, AfterValidator(_path_on_host)]
Count = Annotated[int, Field(ge=1, le=100)]
Hours = Annotated[float, Field(gt=0, le=24 * 30, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Usd = Annotated[Decimal, Field(ge=0, le=10**9, allow_inf_nan=False)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Percent = Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)]


def setting(name: str, default: object, example: str, description: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field of the settings: the name of its variable, its default, a good value, what it means."""
    return Field(default, validation_alias=name, examples=[example], description=description)
