"""Where our messages go: Slack, Discord, Telegram, e-mail, a webhook of one's own, and all that Apprise speaks."""
