"""The settings of notifications: who is told, and where. A channel that is half set up stops start-up."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from tradeops.settings.fields import (
    READING,
    AppriseTargets,
    BotToken,
    ChannelKinds,
    HttpAddress,
    Mailbox,
    Mailboxes,
    Port,
    Routes,
    SecretHttpAddress,
    parse_list,
    parse_targets,
    setting,
)

NEEDED_BY_CHANNEL = {
    "slack": "SLACK_WEBHOOK_URL",
    "discord": "DISCORD_WEBHOOK_URL",
    "telegram": "TELEGRAM_BOT_TOKEN",
    "email": "SMTP_HOST",
    "webhook": "TRADEOPS_WEBHOOK_URL",
    "apprise": "NOTIFY_URLS",
}


class NotifySettings(BaseSettings):
    """The part of `Settings` that concerns notifications; the customary names are kept."""

    model_config = READING

    notifications_enabled: bool = setting(
        "NOTIFICATIONS_ENABLED", default=True, example="false", description="false sends nothing anywhere."
    )
    notification_channels: ChannelKinds | None = setting(
        "NOTIFICATION_CHANNELS",
        None,
        "slack,email",
        "Channels in use, of slack, discord, telegram, email, webhook, apprise; without it all that are configured.",
    )
    slack_webhook_url: SecretHttpAddress | None = setting(
        "SLACK_WEBHOOK_URL", None, "https://hooks.slack.com/services/T…/B…/…", "Incoming webhook of Slack; a secret."
    )
    discord_webhook_url: SecretHttpAddress | None = setting(
        "DISCORD_WEBHOOK_URL", None, "https://discord.com/api/webhooks/…/…", "Webhook of Discord; a secret."
    )
    telegram_bot_token: BotToken | None = setting(
        "TELEGRAM_BOT_TOKEN", None, "123456:ABC-DEF", "Token of a Telegram bot; needs TELEGRAM_CHAT_ID."
    )
    telegram_chat_id: Annotated[str, Field(pattern=r"^(-?\d+|@\w+)$")] | None = setting(
        "TELEGRAM_CHAT_ID", None, "-1001234567890", "Chat that the bot writes to: a number or @channel."
    )
    telegram_api_url: HttpAddress = setting(
        "TRADEOPS_TELEGRAM_API_URL", "https://api.telegram.org", "http://127.0.0.1:8081", "Telegram's API, or your own."
    )
    smtp_host: Annotated[str, Field(pattern=r"^[\w.:-]+$")] | None = setting(
        "SMTP_HOST", None, "smtp.example.com", "Mail server; needs EMAIL_TO."
    )
    smtp_port: Port = setting("SMTP_PORT", 587, "465", "Its port.")
    smtp_user: str | None = setting("SMTP_USER", None, "desk@example.com", "Login at the mail server.")
    smtp_password: SecretStr | None = setting("SMTP_PASSWORD", None, "…", "Password of SMTP_USER.")
    smtp_security: Literal["starttls", "tls", "none"] | None = setting(
        "TRADEOPS_SMTP_SECURITY",
        None,
        "starttls",
        "starttls, tls or none; without it tls on port 465, none on this machine itself, starttls elsewhere.",
    )
    email_from: Mailbox | None = setting(
        "EMAIL_FROM", None, "TradeOps <desk@example.com>", "Sender of e-mails; without it SMTP_USER."
    )
    email_to: Mailboxes | None = setting(
        "EMAIL_TO", None, "you@example.com,night@example.com", "Recipients of e-mails, parted by commas."
    )
    webhook_url: SecretHttpAddress | None = setting(
        "TRADEOPS_WEBHOOK_URL", None, "https://example.com/hooks/tradeops", "A webhook of yours, told in JSON."
    )
    webhook_secret: SecretStr | None = setting(
        "TRADEOPS_WEBHOOK_SECRET", None, "a-long-random-text", "Key of the signature of TRADEOPS_WEBHOOK_URL."
    )
    notify_urls: AppriseTargets | None = setting(
        "NOTIFY_URLS",
        None,
        "ntfys://ntfy.sh/desk,pover://…",
        "Anything that Apprise speaks, parted by commas; secrets.",
    )
    notify_routes: Routes | None = setting(
        "NOTIFY_ROUTES",
        None,
        "critical=*;warning=slack,email;info=email",
        "Who hears what, by level or event; without a rule warnings and worse go to all, reports to email and webhook.",
    )

    @model_validator(mode="after")
    def _channels_are_whole(self) -> Self:
        pairs = [
            ("TELEGRAM_BOT_TOKEN", self.telegram_bot_token, "TELEGRAM_CHAT_ID", self.telegram_chat_id),
            ("SMTP_USER", self.smtp_user, "SMTP_PASSWORD", self.smtp_password),
            ("TRADEOPS_WEBHOOK_URL", self.webhook_url, "TRADEOPS_WEBHOOK_SECRET", self.webhook_secret),
        ]
        for one, value, other, its_value in pairs:
            if (value is None) is not (its_value is None):
                there, missing = (one, other) if its_value is None else (other, one)
                raise ValueError(f"{there} is set, but {missing} is not")
        if self.email_to and not self.smtp_host:
            raise ValueError("EMAIL_TO is set, but SMTP_HOST is not")
        if self.smtp_host and not self.email_recipients:
            raise ValueError("SMTP_HOST is set, but EMAIL_TO has no address")
        if self.smtp_host and not self.email_sender:
            raise ValueError("SMTP_HOST is set, but neither EMAIL_FROM nor SMTP_USER is an e-mail address")
        if missing_kinds := set(parse_list(self.notification_channels)) - self._configured_channels:
            name = min(missing_kinds)
            raise ValueError(f"NOTIFICATION_CHANNELS names {name}, but {NEEDED_BY_CHANNEL[name]} is not set")
        return self

    @property
    def _configured_channels(self) -> set[str]:
        given = {str(info.validation_alias) for field, info in type(self).model_fields.items() if getattr(self, field)}
        return {kind for kind, needed in NEEDED_BY_CHANNEL.items() if needed in given}

    @property
    def channels_in_use(self) -> frozenset[str]:
        """The kinds of channels that are told: configured, chosen and not switched off."""
        if not self.notifications_enabled:
            return frozenset()
        return frozenset(parse_list(self.notification_channels) or self._configured_channels)

    @property
    def email_sender(self) -> str | None:
        """EMAIL_FROM, or SMTP_USER where that is an address."""
        return self.email_from or (self.smtp_user if self.smtp_user and "@" in self.smtp_user else None)

    @property
    def email_recipients(self) -> tuple[str, ...]:
        """EMAIL_TO, each once."""
        return parse_list(self.email_to)

    @property
    def apprise_targets(self) -> tuple[SecretStr, ...]:
        """NOTIFY_URLS, each once."""
        text = self.notify_urls.get_secret_value() if self.notify_urls else None
        return tuple(map(SecretStr, parse_targets(text)))
