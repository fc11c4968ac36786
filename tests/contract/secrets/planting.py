"""A secret for every setting that is one, and the eye that finds each of them in whatever spelling."""

import base64
import re
from pathlib import Path
from urllib.parse import quote

from tradeops.settings import Settings

SECRETS = {str(info.validation_alias) for info in Settings.model_fields.values() if "SecretStr" in str(info.annotation)}
SEEN = re.compile(r"planted(?:[-_ ]|\\+u002d|%2d|%40|&#0*45;|&#x0*2d;)\w*", re.IGNORECASE)


def planted(name: str) -> str:
    return f"planted-{name.lower()}-9"


def settings(port: int, home: Path, store: str) -> dict[str, str]:
    """All of them lead to the parrot."""
    web, place = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"

    def user(name: str) -> str:
        return f"desk:{quote(planted(name) + '@', safe='')}@{place}"

    return {
        "TRADEOPS_HOME": str(home),
        "TRADEOPS_STORE": store,
        "RUST_API_URL": web,
        "PYTHON_API_URL": web,
        "FRONTEND_URL": web,
        "BINANCE_API_URL": web,
        "TRAINER_URL": web,
        "PREFECT_API_URL": f"{web}/api",
        "OPENAI_BASE_URL": f"{web}/v1",
        "TRADEOPS_TELEGRAM_API_URL": web,
        "TELEGRAM_CHAT_ID": "1",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_USER": "desk@example.com",
        "EMAIL_TO": "you@example.com",
        "MONGODB_URL": f"mongodb://{user('MONGODB_URL')}",
        "REDIS_URL": f"redis://{user('REDIS_URL')}/0",
        "RABBITMQ_URL": f"amqp://{user('RABBITMQ_URL')}/",
        "TRADEOPS_RABBITMQ_MANAGEMENT_URL": f"http://{user('TRADEOPS_RABBITMQ_MANAGEMENT_URL')}",
        "PREFECT_API_AUTH_STRING": f"admin:{planted('PREFECT_API_AUTH_STRING')}",
        "TELEGRAM_BOT_TOKEN": f"1:{planted('TELEGRAM_BOT_TOKEN')}",
        "NOTIFY_URLS": f"json://{user('NOTIFY_URLS')}/{planted('NOTIFY_URLS')}",
    } | {
        name: f"{web}/hooks/{planted(name)}?token={planted(name)}" if name.endswith("_URL") else planted(name)
        for name in SECRETS
        - {
            *("MONGODB_URL", "REDIS_URL", "RABBITMQ_URL", "TRADEOPS_RABBITMQ_MANAGEMENT_URL"),
            *("PREFECT_API_AUTH_STRING", "TELEGRAM_BOT_TOKEN", "NOTIFY_URLS"),
        }
    }


def leaks(text: str) -> list[str]:
    """Secrets in it, each with what is around."""
    encoded = [
        base64.b64encode(f"{user}:{planted(name)}{end}".encode()).decode().rstrip("=")
        for name in SECRETS
        for user, end in (("admin", ""), ("desk", "@"))
    ]
    around = [text[max(one.start() - 60, 0) : one.end() + 20] for one in SEEN.finditer(text)]
    return around + [one for one in encoded if one in text]
