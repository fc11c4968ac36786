"""What the service can be told, by environment variables that start with TRADEOPS_TRAINER_."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_TOKEN = 16


class TrainerSettings(BaseSettings):
    """Each has a default that works on one machine."""

    model_config = SettingsConfigDict(
        env_prefix="TRADEOPS_TRAINER_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    home: Annotated[Path, Field(description="Where data sets, jobs and models are kept")] = Path(".tradeops/trainer")
    host: Annotated[str, Field(description="The address it listens on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="The port it listens on")] = 8001
    token: Annotated[SecretStr | None, Field(description="What callers must bear; mandatory beyond loopback")] = None
    most_epochs: Annotated[int, Field(ge=1, le=500, description="A bound on the epochs of every training")] = 500
    queue_size: Annotated[int, Field(ge=1, le=1000, description="Trainings that may wait")] = 16
    most_per_day: Annotated[int, Field(ge=1, description="Trainings that may begin within 24 hours")] = 30
    keep_versions: Annotated[int, Field(ge=3, description="Newest versions kept of each model and symbol")] = 5
    keep_days: Annotated[int, Field(ge=8, le=3650, description="Days after which trainings and data are deleted")] = 90
    least_disk_gib: Annotated[float, Field(ge=0, description="Free disk below which no training begins")] = 1.0
    niceness: Annotated[int, Field(ge=0, le=19, description="How far a training gives way to all else")] = 10
    body_cap_mib: Annotated[int, Field(ge=1, le=1024, description="The largest request that is read")] = 64

    @model_validator(mode="after")
    def _alone_or_guarded(self) -> Self:
        if self.token is not None and len(self.token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"TRADEOPS_TRAINER_TOKEN is shorter than {SHORTEST_TOKEN} characters")
        if self.token is None and not _is_loopback(self.host):
            raise ValueError(f"to listen on {self.host}, beyond this machine, set TRADEOPS_TRAINER_TOKEN")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
