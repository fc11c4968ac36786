"""The settings of encrypted connections. There is none that switches the verification of certificates off."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator
from pydantic_settings import BaseSettings

from tradeops.errors import MisconfiguredError
from tradeops.settings.fields import READING, setting
from tradeops.tls import check_files

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]


class TlsSettings(BaseSettings):
    """The part of `Settings` that concerns TLS."""

    model_config = READING

    ca_file: UserPath | None = setting(
        "TRADEOPS_CA_FILE",
        None,
        "/etc/tradeops/ca.pem",
        "Authorities, in PEM, that every connection trusts besides the usual ones.",
    )
    client_cert_file: UserPath | None = setting(
        "TRADEOPS_CLIENT_CERT_FILE",
        None,
        "/etc/tradeops/client.pem",
        "Our certificate and its unencrypted key, in PEM, for those of the bot's services that ask for one.",
    )

    @model_validator(mode="after")
    def _files_can_be_used(self) -> Self:
        try:
            check_files(self.ca_file, self.client_cert_file)
        except MisconfiguredError as error:
            raise ValueError(error.problem) from None
        return self
