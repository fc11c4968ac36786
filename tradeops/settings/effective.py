"""Every setting of the product: typed, documented, frozen, read from the environment and from a file.

The file is `.env` in the working folder, or the one that TRADEOPS_ENV_FILE names. The environment wins over it, both
over the files of TRADEOPS_SECRETS_DIR; an empty value counts as not set. One bad value stops start-up with one line.
"""

import difflib
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tradeops.errors import MisconfiguredError
from tradeops.settings import secret_files
from tradeops.settings.brake import BrakeSettings
from tradeops.settings.dashboard import DashboardSettings
from tradeops.settings.decision import DecisionSettings
from tradeops.settings.fields import (
    Count,
    Hours,
    HttpAddress,
    MongoAddress,
    Percent,
    RabbitAddress,
    RedisAddress,
    Seconds,
    SecretHttpAddress,
    UrlPath,
)
from tradeops.settings.fields import (
    setting as _setting,
)
from tradeops.settings.guard import GuardSettings
from tradeops.settings.llm import LlmSettings
from tradeops.settings.notify import NotifySettings
from tradeops.settings.report import ReportSettings
from tradeops.settings.retrain import TRAINER_NAMES, RetrainSettings
from tradeops.settings.tls import TlsSettings
from tradeops.settings.upkeep import UpkeepSettings
from tradeops.tls import Tls

MASK = "********"
SECTIONS: tuple[type[BaseSettings], ...] = (
    BrakeSettings,
    GuardSettings,
    ReportSettings,
    LlmSettings,
    DecisionSettings,
    RetrainSettings,
    NotifySettings,
    TlsSettings,
    UpkeepSettings,
    DashboardSettings,
)  # as the documentation orders them


class Settings(
    NotifySettings,
    GuardSettings,
    BrakeSettings,
    ReportSettings,
    DecisionSettings,
    LlmSettings,
    RetrainSettings,
    TlsSettings,
    UpkeepSettings,
    DashboardSettings,
):
    """The effective settings of one process.

    `None` is "not configured": the part is shown as such and never alarms. Only RUST_API_URL is mandatory, for jobs.
    """

    # The bot, by the names its users already know
    rust_api_url: HttpAddress | None = _setting(
        "RUST_API_URL", None, "http://127.0.0.1:8080", "The bot engine. Mandatory for every job."
    )
    python_api_url: HttpAddress | None = _setting(
        "PYTHON_API_URL", None, "http://127.0.0.1:8000", "The bot's AI service. Leave it out when it is gone for good."
    )
    frontend_url: HttpAddress | None = _setting(
        "FRONTEND_URL", None, "http://127.0.0.1:3000", "The bot's web frontend."
    )
    mongodb_url: MongoAddress | None = _setting(
        "MONGODB_URL", None, "mongodb://user:password@127.0.0.1:27017", "MongoDB; watched, and our store by default."
    )
    redis_url: RedisAddress | None = _setting(
        "REDIS_URL",
        None,
        "redis://:password@127.0.0.1:6379/0",
        "The bot's Redis; watched, and kept up to date with the latest performance.",
    )
    rabbitmq_url: RabbitAddress | None = _setting(
        "RABBITMQ_URL", None, "amqp://user:password@127.0.0.1:5672/", "The bot's RabbitMQ."
    )
    binance_api_url: HttpAddress | None = _setting(
        "BINANCE_API_URL", None, "https://api.binance.com", "Market data of the exchange; no key is needed."
    )
    openai_api_key: SecretStr | None = _setting(
        "OPENAI_API_KEY", None, "sk-…", "Key of the LLM. Without one the LLM is not used."
    )
    openai_base_url: HttpAddress = _setting(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", "http://127.0.0.1:11434/v1", "Any OpenAI-compatible endpoint."
    )

    # Prefect, by its own names
    prefect_api_url: HttpAddress | None = _setting(
        "PREFECT_API_URL", None, "http://127.0.0.1:4200/api", "Prefect's API; `tradeops up` starts one without it."
    )
    prefect_ui_url: HttpAddress | None = _setting(
        "PREFECT_UI_URL",
        None,
        "https://prefect.example.com",
        "Where people see Prefect's pages, for links to runs; without it they are looked for where the API is.",
    )
    prefect_api_key: SecretStr | None = _setting("PREFECT_API_KEY", None, "pnu_…", "Key of Prefect Cloud.")
    prefect_api_auth_string: SecretStr | None = _setting(
        "PREFECT_API_AUTH_STRING", None, "admin:password", "Basic authentication of an own Prefect server."
    )

    # Where we keep what we know
    home: Path = _setting("TRADEOPS_HOME", Path("~/.tradeops"), "/var/lib/tradeops", "Folder of everything we write.")
    store: Literal["sqlite", "mongodb"] | None = _setting(
        "TRADEOPS_STORE", None, "sqlite", "sqlite or mongodb; without it mongodb when MONGODB_URL is set, else sqlite."
    )

    # How we ask
    engine_token: SecretStr | None = _setting(
        "TRADEOPS_ENGINE_TOKEN", None, "eyJ…", "Bearer token for the engine; its routes work without one."
    )
    engine_health_path: UrlPath = _setting(
        "TRADEOPS_ENGINE_HEALTH_PATH", "/api/health", "/api/health", "Health route of the engine."
    )
    ai_health_path: UrlPath = _setting(
        "TRADEOPS_AI_HEALTH_PATH", "/health", "/health", "Health route of the AI service."
    )
    frontend_path: UrlPath = _setting("TRADEOPS_FRONTEND_PATH", "/", "/", "Page of the frontend that must answer.")
    rabbitmq_management_url: SecretHttpAddress | None = _setting(
        "TRADEOPS_RABBITMQ_MANAGEMENT_URL",
        None,
        "http://user:password@127.0.0.1:15672",
        "RabbitMQ's management API; with it, its alarms are watched too.",
    )
    http_connect_timeout_seconds: Seconds = _setting(
        "TRADEOPS_HTTP_CONNECT_TIMEOUT_SECONDS", 2.0, "2", "Longest wait for a connection."
    )
    http_read_timeout_seconds: Seconds = _setting(
        "TRADEOPS_HTTP_READ_TIMEOUT_SECONDS", 5.0, "5", "Longest wait between two pieces of an answer."
    )
    http_body_cap_mib: Annotated[int, Field(gt=0, le=4096)] = _setting(
        "TRADEOPS_HTTP_BODY_CAP_MIB", 64, "64", "Largest HTTP body that is read, in MiB."
    )

    # What counts as healthy
    slow_after_seconds: Annotated[float, Field(gt=0, lt=2.5)] = _setting(
        "TRADEOPS_SLOW_AFTER_SECONDS", 2.0, "2", "A slower answer is degraded; a probe ends after 2.5 s."
    )
    disk_path: Path = _setting("TRADEOPS_DISK_PATH", Path("/"), "/data", "The disk that is watched.")
    disk_alert_percent: Percent = _setting("TRADEOPS_DISK_ALERT_PERCENT", 80.0, "80", "Fuller is degraded.")
    disk_critical_percent: Percent = _setting("TRADEOPS_DISK_CRITICAL_PERCENT", 90.0, "90", "Fuller is critical.")
    memory_alert_percent: Percent = _setting("TRADEOPS_MEMORY_ALERT_PERCENT", 85.0, "85", "Fuller is degraded.")
    memory_critical_percent: Percent = _setting("TRADEOPS_MEMORY_CRITICAL_PERCENT", 95.0, "95", "Fuller is critical.")
    clock_skew_limit_seconds: Seconds = _setting(
        "TRADEOPS_CLOCK_SKEW_LIMIT_SECONDS", 30.0, "30", "A clock further from ours is degraded."
    )
    candle_symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")] = _setting(
        "TRADEOPS_CANDLE_SYMBOL", "BTCUSDT", "BTCUSDT", "Symbol whose newest candle shows that market data flow."
    )
    candle_age_limit_seconds: Annotated[float, Field(ge=60, allow_inf_nan=False)] = _setting(
        "TRADEOPS_CANDLE_AGE_LIMIT_SECONDS", 180.0, "180", "An older newest one-minute candle is degraded."
    )
    late_run_limit_seconds: Seconds = _setting(
        "TRADEOPS_LATE_RUN_LIMIT_SECONDS", 300.0, "300", "A Prefect run later than this is degraded."
    )

    # When to tell
    incident_failures: Count = _setting(
        "TRADEOPS_INCIDENT_FAILURES", 2, "2", "Bad looks in a row that open an incident; re-probes of one run count."
    )
    incident_successes: Count = _setting(
        "TRADEOPS_INCIDENT_SUCCESSES", 2, "2", "Good runs in a row that resolve an incident."
    )
    incident_reminder_hours: Hours = _setting(
        "TRADEOPS_INCIDENT_REMINDER_HOURS", 4.0, "4", "An open incident is told again after so long."
    )
    startup_grace_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = _setting(
        "TRADEOPS_STARTUP_GRACE_SECONDS", 50.0, "50", "Services may still be starting so long after a start-up."
    )

    # The watchdog
    watchdog_seconds: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] = _setting(
        "TRADEOPS_WATCHDOG_SECONDS", 15.0, "15", "The watchdog looks, counts and sends this often."
    )
    watchdog_ping_url: SecretHttpAddress | None = _setting(
        "TRADEOPS_WATCHDOG_PING_URL",
        None,
        "https://hc-ping.com/your-check",
        "Told once a minute that the watchdog is alive; alarms when it is not.",
    )
    watchdog_ping_seconds: Seconds = _setting(
        "TRADEOPS_WATCHDOG_PING_SECONDS", 60.0, "60", "Pause between two of these pings."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.store == "mongodb" and self.mongodb_url is None:
            raise ValueError("TRADEOPS_STORE is mongodb, but MONGODB_URL is not set")
        for what in ("disk", "memory"):
            if not getattr(self, f"{what}_alert_percent") < getattr(self, f"{what}_critical_percent"):
                name = what.upper()
                raise ValueError(f"TRADEOPS_{name}_ALERT_PERCENT must be below TRADEOPS_{name}_CRITICAL_PERCENT")
        for period in ("daily", "monthly"):
            if not getattr(self, f"cost_{period}_warning_usd") < getattr(self, f"cost_{period}_critical_usd"):
                name = f"TRADEOPS_COST_{period.upper()}"
                raise ValueError(f"{name}_WARNING_USD must be below {name}_CRITICAL_USD")
        for what, unit in (("win_rate", "_percent"), ("average_profit", "_percent"), ("sharpe", "")):
            if not getattr(self, f"{what}_critical{unit}") < getattr(self, f"{what}_target{unit}"):
                critical, target = (f"TRADEOPS_{what}_{name}{unit}".upper() for name in ("critical", "target"))
                raise ValueError(f"{critical} must be below {target}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where a setting is looked for, in turn."""
        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, secret_files.SecretFiles(settings_cls)

    @property
    def home_folder(self) -> Path:
        """TRADEOPS_HOME as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def tls(self) -> Tls:
        """Whom we trust; our certificate is for the bot's own services, not for the exchange, the LLM or a channel."""
        secret = self.rabbitmq_management_url
        management = secret.get_secret_value() if secret else None
        own = (self.rust_api_url, self.python_api_url, self.frontend_url, self.trainer_url, self.prefect_api_url)
        return Tls(self.ca_file, self.client_cert_file, tuple(filter(None, (*own, management))))

    @property
    def store_kind(self) -> Literal["sqlite", "mongodb"]:
        """The store in use, the default worked out."""
        return self.store or ("mongodb" if self.mongodb_url else "sqlite")

    @property
    def slow_after(self) -> timedelta:
        """TRADEOPS_SLOW_AFTER_SECONDS."""
        return timedelta(seconds=self.slow_after_seconds)


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One line of `tradeops config`.

    Attributes:
        name: of the variable.
        value: as text, secrets masked; `None` when not set.
        origin: `environment`, `.env`, `secret file` or `default`.
        description: what it means.
        example: a good value.
    """

    name: str
    value: str | None
    origin: Literal["environment", ".env", "secret file", "default"]
    description: str
    example: str


def env_file() -> Path:
    """The file that is read besides the environment; it need not exist."""
    return Path(os.environ.get("TRADEOPS_ENV_FILE") or ".env")


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        MisconfiguredError: one or more bad values; a line for each names the variable, the problem and an example.
    """
    try:
        return Settings(_env_file=env_file())
    except ValidationError as error:
        raise MisconfiguredError("settings", "\n".join(_explain(problem) for problem in error.errors())) from None
    except UnicodeDecodeError:
        raise MisconfiguredError("settings", f"{env_file()} is no UTF-8 text", remedy="save it as UTF-8") from None


def effective_settings(settings: Settings) -> list[EffectiveSetting]:
    """Each setting with its value and where it came from, secrets masked, in the order of the documentation."""
    in_file = {name for name, value in dotenv_values(env_file()).items() if value}
    rows = []
    for field, info in sorted(Settings.model_fields.items(), key=lambda item: _place(item[0])):
        name = str(info.validation_alias)
        value = getattr(settings, field)
        rows.append(
            EffectiveSetting(
                name=name,
                value=None if value is None else MASK if isinstance(value, SecretStr) else _text(value),
                origin=_origin(name, in_file),
                description=info.description or "",
                example=str((info.examples or [""])[0]),
            )
        )
    return rows


def secrets_of(settings: Settings) -> list[str]:
    """All that no log may show: each secret, and the user's password within an address."""
    found = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    return [*found, *(match for one in found for match in re.findall(r"://[^/@:\s]*:([^/@\s]+)@", one))]


def unknown_names() -> list[tuple[str, str | None]]:
    """TRADEOPS_ variables that nothing reads, each with the known name it resembles: probably a slip of the pen."""
    environment = {**dotenv_values(env_file()), **os.environ}
    known = [
        "TRADEOPS_ENV_FILE",
        secret_files.VARIABLE,
        "TRADEOPS_RUN_COMMAND",  # prefect.yaml reads it
        *TRAINER_NAMES,
        *(str(info.validation_alias) for info in Settings.model_fields.values()),
    ]
    strangers = sorted(name for name in environment if name.startswith("TRADEOPS_") and name not in known)
    return [(name, next(iter(difflib.get_close_matches(name, known, n=1)), None)) for name in strangers]


def _origin(name: str, in_file: set[str]) -> Literal["environment", ".env", "secret file", "default"]:
    if os.environ.get(name):
        return "environment"
    if name in in_file:
        return ".env"
    return "secret file" if secret_files.read(name) else "default"


def _place(field: str) -> int:
    """In the documentation our own come first, then those of each section in turn."""
    return next((place for place, section in enumerate(SECTIONS, 1) if field in section.model_fields), 0)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _explain(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = problem["loc"]
    if not where:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(where[0])
    info = next(i for i in Settings.model_fields.values() if i.validation_alias == name)
    example = (info.examples or [""])[0]
    what = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name} {what[:1].lower()}{what[1:]}; for example {name}={example}"
