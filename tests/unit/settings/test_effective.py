"""Settings: one bad value is one clear line; origins are known; secrets stay masked."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from tradeops.cli.config import reference
from tradeops.errors import MisconfiguredError
from tradeops.settings import Settings, effective_settings, load_settings, unknown_names

NAMES = [str(info.validation_alias) for info in Settings.model_fields.values()]
SECRETS = {
    "MONGODB_URL": "mongodb://user:hunter2@db:27017",
    "REDIS_URL": "redis://:hunter2@cache:6379/0",
    "RABBITMQ_URL": "amqp://user:hunter2@broker:5672/",
    "OPENAI_API_KEY": "sk-hunter2",
    "PREFECT_API_KEY": "pnu_hunter2",
    "PREFECT_API_AUTH_STRING": "admin:hunter2",
    "TRADEOPS_ENGINE_TOKEN": "hunter2",
    "TRADEOPS_RABBITMQ_MANAGEMENT_URL": "http://user:hunter2@broker:15672",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/hunter2",
    "DISCORD_WEBHOOK_URL": "https://discord.com/api/webhooks/1/hunter2",
    "TELEGRAM_BOT_TOKEN": "1:hunter2",
    "SMTP_PASSWORD": "hunter2",
    "TRADEOPS_WEBHOOK_URL": "https://example.com/?token=hunter2",
    "TRADEOPS_WEBHOOK_SECRET": "hunter2",
    "NOTIFY_URLS": "json://user:hunter2@host",
}
SECRET_PARTNERS = {  # a half of a pair alone stops start-up
    "TELEGRAM_BOT_TOKEN": ("TELEGRAM_CHAT_ID",),
    "SMTP_PASSWORD": ("SMTP_USER",),
    "TRADEOPS_WEBHOOK_URL": ("TRADEOPS_WEBHOOK_SECRET",),
    "TRADEOPS_WEBHOOK_SECRET": ("TRADEOPS_WEBHOOK_URL",),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_is_mandatory_to_start() -> None:
    settings = load_settings()
    assert settings.rust_api_url is None
    assert settings.store_kind == "sqlite"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("RUST_API_URL", "localhost:8080", "has no http:// or https://", id="no scheme"),
        pytest.param("RUST_API_URL", "http://", "has no host", id="no host"),
        pytest.param("RUST_API_URL", "http://engine:99999", "its host or port cannot be read", id="impossible port"),
        pytest.param("RUST_API_URL", "http://[::1", "its host or port cannot be read", id="broken IPv6"),
        pytest.param("RUST_API_URL", "http://u:p@engine", "must not carry a user or password", id="credentials"),
        pytest.param("RUST_API_URL", "http://engine/?a=1", "must not carry a query", id="query"),
        pytest.param("MONGODB_URL", "http://db", "has no mongodb:// or mongodb+srv://", id="not a MongoDB address"),
        pytest.param("REDIS_URL", "cache:6379", "has no redis://", id="not a Redis address"),
        pytest.param("RABBITMQ_URL", "http://broker", "has no amqp://", id="not an AMQP address"),
        pytest.param("TRADEOPS_STORE", "postgres", "'sqlite' or 'mongodb'", id="unknown store"),
        pytest.param("TRADEOPS_ENGINE_HEALTH_PATH", "api/health", "must begin with /", id="relative path"),
        pytest.param("TRADEOPS_HTTP_READ_TIMEOUT_SECONDS", "nan", "finite number", id="not a number"),
        pytest.param("TRADEOPS_HTTP_READ_TIMEOUT_SECONDS", "0", "greater than 0", id="zero time-out"),
        pytest.param("TRADEOPS_HTTP_READ_TIMEOUT_SECONDS", "5 s", "valid number", id="number with a unit"),
        pytest.param("TRADEOPS_HTTP_BODY_CAP_MIB", "-1", "greater than 0", id="negative cap"),
        pytest.param("TRADEOPS_SLOW_AFTER_SECONDS", "2.5", "less than 2.5", id="slower than a probe may be"),
        pytest.param("TRADEOPS_DISK_ALERT_PERCENT", "101", "less than 100", id="percent above 100"),
        pytest.param("TRADEOPS_CANDLE_SYMBOL", "BTC/USDT", "match pattern", id="symbol with a slash"),
        pytest.param("SLACK_WEBHOOK_URL", "hooks.slack.com/services/x", "has no http:// or https://", id="no webhook"),
        pytest.param("TELEGRAM_BOT_TOKEN", "ABC-DEF", "is no token", id="bot token without a number"),
        pytest.param("TELEGRAM_CHAT_ID", "my chat", "match pattern", id="chat with a blank"),
        pytest.param("SMTP_PORT", "0", "greater than or equal to 1", id="port zero"),
        pytest.param("TRADEOPS_SMTP_SECURITY", "ssl", "'starttls', 'tls' or 'none'", id="unknown security"),
        pytest.param("EMAIL_FROM", "the desk", "is no e-mail address", id="sender without an address"),
        pytest.param("EMAIL_FROM", "a@b\nBcc: c@d", "is no e-mail address", id="header injection"),
        pytest.param("EMAIL_TO", "a@b.example,nobody", "is no e-mail address", id="one bad recipient of two"),
        pytest.param("NOTIFICATION_CHANNELS", "slack,pigeon", "names 'pigeon'", id="unknown channel"),
        pytest.param("NOTIFY_ROUTES", "critical=pigeon", "names 'pigeon'", id="route to an unknown channel"),
        pytest.param("NOTIFY_ROUTES", "critical", "has the rule 'critical'", id="route without channels"),
        pytest.param("TRADEOPS_INCIDENT_FAILURES", "0", "greater than or equal to 1", id="no failures at all"),
        pytest.param("NOTIFY_URLS", "ntfy.sh/desk", "has no scheme://… at place 1", id="Apprise without a scheme"),
        pytest.param("TRADEOPS_TIME_ZONE", "Mars/Olympus", "is no IANA time zone", id="unknown time zone"),
        pytest.param("TRADEOPS_TIME_ZONE", "../../etc/passwd", "is no IANA time zone", id="a path"),
        pytest.param("TRADEOPS_TIME_ZONE", "Asia", "is no IANA time zone", id="a continent"),
        pytest.param("TRADEOPS_TIME_ZONE", "UTC+7", "is no IANA time zone", id="an offset"),
        pytest.param("TRADEOPS_LATE_GRACE_SECONDS", "0", "greater than 0", id="no grace"),
        pytest.param("OPENAI_MODEL", "my model", "match pattern", id="model with a blank"),
        pytest.param("TRADEOPS_LLM_API", "completions", "'responses' or 'chat'", id="unknown API"),
        pytest.param("TRADEOPS_LLM_VOTES", "2", "must be odd", id="votes without a majority"),
        pytest.param("TRADEOPS_LLM_VOTES", "11", "less than or equal to 9", id="too many votes"),
        pytest.param("TRADEOPS_LLM_MAX_OUTPUT_TOKENS", "1999", "greater than or equal to 2000", id="no room to reason"),
        pytest.param("TRADEOPS_LLM_VOTE_SECONDS", "61", "less than or equal to 60", id="a vote of a minute and more"),
        pytest.param("TRADEOPS_LLM_DAILY_LIMIT_USD", "-1", "greater than or equal to 0", id="negative limit"),
        pytest.param("TRADEOPS_LLM_MONTHLY_LIMIT_USD", "Infinity", "finite number", id="endless limit"),
        pytest.param("TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION", "0", "greater than 0", id="unknown and free"),
    ],
)
def test_a_bad_value_is_one_line_with_name_problem_and_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(MisconfiguredError) as caught:
        load_settings()
    text = str(caught.value)
    assert text.startswith(f"settings: {name} ")
    assert problem in text
    assert f"for example {name}=" in text
    assert "\n" not in text


def test_each_of_several_bad_values_gets_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUST_API_URL", "nonsense")
    monkeypatch.setenv("TRADEOPS_HTTP_BODY_CAP_MIB", "nonsense")
    with pytest.raises(MisconfiguredError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("value", ["http://hunter2", "hunter2", "ftp://user:hunter2@db", "mongodb://u:hunter2@h:bad"])
def test_a_bad_secret_is_not_repeated_in_its_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MONGODB_URL", value)
    with pytest.raises(MisconfiguredError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        pytest.param({"TRADEOPS_STORE": "mongodb"}, "MONGODB_URL is not set", id="MongoDB without an address"),
        pytest.param({"TELEGRAM_BOT_TOKEN": "1:a"}, "TELEGRAM_CHAT_ID is not", id="bot without a chat"),
        pytest.param({"TELEGRAM_CHAT_ID": "1"}, "TELEGRAM_BOT_TOKEN is not", id="chat without a bot"),
        pytest.param({"SMTP_USER": "u"}, "SMTP_PASSWORD is not", id="login without a password"),
        pytest.param({"TRADEOPS_WEBHOOK_URL": "https://a.example"}, "WEBHOOK_SECRET is not", id="unsigned webhook"),
        pytest.param({"SMTP_HOST": "mail"}, "EMAIL_TO has no address", id="no recipients"),
        pytest.param({"SMTP_HOST": "mail", "EMAIL_TO": " , "}, "EMAIL_TO has no address", id="empty recipients"),
        pytest.param(
            {"SMTP_HOST": "mail", "EMAIL_TO": "a@b.example"}, "neither EMAIL_FROM nor SMTP_USER", id="no sender"
        ),
        pytest.param({"EMAIL_TO": "a@b.example"}, "SMTP_HOST is not", id="recipients without a server"),
        pytest.param({"NOTIFICATION_CHANNELS": "slack"}, "SLACK_WEBHOOK_URL is not set", id="channel without address"),
        pytest.param({"TRADEOPS_DISK_ALERT_PERCENT": "90"}, "TRADEOPS_DISK_ALERT_PERCENT must be below", id="disk"),
        pytest.param(
            {"TRADEOPS_WIN_RATE_CRITICAL_PERCENT": "70"},
            "TRADEOPS_WIN_RATE_CRITICAL_PERCENT must be below TRADEOPS_WIN_RATE_TARGET_PERCENT",
            id="win rate",
        ),
        pytest.param(
            {"TRADEOPS_SHARPE_TARGET": "0.5"},
            "TRADEOPS_SHARPE_CRITICAL must be below TRADEOPS_SHARPE_TARGET",
            id="sharpe",
        ),
        pytest.param(
            {"TRADEOPS_COST_DAILY_WARNING_USD": "5"},
            "TRADEOPS_COST_DAILY_WARNING_USD must be below TRADEOPS_COST_DAILY_CRITICAL_USD",
            id="cost of a day",
        ),
        pytest.param(
            {"TRADEOPS_COST_MONTHLY_CRITICAL_USD": "50"}, "TRADEOPS_COST_MONTHLY_WARNING_USD must", id="cost of a month"
        ),
        pytest.param({"TRADEOPS_MEMORY_CRITICAL_PERCENT": "80"}, "TRADEOPS_MEMORY_ALERT_PERCENT must", id="memory"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], problem: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MisconfiguredError, match=problem):
        load_settings()


def test_the_environment_wins_over_the_file_and_both_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("RUST_API_URL=http://file:1\nFRONTEND_URL=http://file:2\nUNRELATED=1\n")
    monkeypatch.setenv("RUST_API_URL", "http://environment:1")
    rows = {row.name: row for row in effective_settings(load_settings())}
    assert (rows["RUST_API_URL"].value, rows["RUST_API_URL"].origin) == ("http://environment:1", "environment")
    assert (rows["FRONTEND_URL"].value, rows["FRONTEND_URL"].origin) == ("http://file:2", ".env")
    assert (rows["TRADEOPS_DISK_PATH"].value, rows["TRADEOPS_DISK_PATH"].origin) == ("/", "default")
    assert sorted(rows) == sorted(NAMES)
    assert next(iter(rows)) == "RUST_API_URL"


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URL", "")
    rows = {row.name: row for row in effective_settings(load_settings())}
    assert (rows["MONGODB_URL"].value, rows["MONGODB_URL"].origin) == (None, "default")


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_shows_neither_in_the_rows_nor_in_the_repr(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for each in {name, *SECRET_PARTNERS.get(name, ())}:
        monkeypatch.setenv(each, SECRETS.get(each, "12"))
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(effective_settings(settings))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("MONGODB_URL", "mongodb://a,b:27018,c:27019/?replicaSet=rs0", id="replica set"),
        pytest.param("MONGODB_URL", "mongodb://u:p,w@a:1,b:2/db", id="comma in the password"),
        pytest.param("MONGODB_URL", "mongodb+srv://u:p@cluster.example.net", id="SRV record"),
        pytest.param("REDIS_URL", "rediss://cache:6380/1", id="Redis with TLS"),
        pytest.param("RABBITMQ_URL", "amqps://u:p@broker/vhost", id="AMQP with TLS"),
        pytest.param("RUST_API_URL", "http://[::1]:8080/prefix/", id="IPv6 and a path"),
    ],
)
def test_addresses_of_all_kinds_are_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert {row.name for row in effective_settings(load_settings()) if row.origin == "environment"} >= {name}


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.rust_api_url = "http://other"  # type: ignore[misc] # the point of the test


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, "sqlite", id="nothing set"),
        pytest.param({"MONGODB_URL": "mongodb://db"}, "mongodb", id="MongoDB configured"),
        pytest.param({"MONGODB_URL": "mongodb://db", "TRADEOPS_STORE": "sqlite"}, "sqlite", id="said so"),
    ],
)
def test_the_store_follows_mongodb_unless_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().store_kind == expected


def test_a_home_with_a_tilde_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().home_folder == tmp_path / ".tradeops"


def test_the_time_zone_and_the_grace_come_ready_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (str(load_settings().zone), load_settings().late_grace) == ("UTC", timedelta(hours=6))
    monkeypatch.setenv("TRADEOPS_TIME_ZONE", "Asia/Ho_Chi_Minh")
    monkeypatch.setenv("TRADEOPS_LATE_GRACE_SECONDS", "90")
    assert (str(load_settings().zone), load_settings().late_grace) == ("Asia/Ho_Chi_Minh", timedelta(seconds=90))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"RUST_API_URL=\xff\xfe")
    with pytest.raises(MisconfiguredError, match=r"\.env is no UTF-8 text"):
        load_settings()


def test_a_misspelt_name_is_found_with_what_was_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADEOPS_STROE", "sqlite")
    monkeypatch.setenv("TRADEOPS_STORE", "sqlite")
    (tmp_path / ".env").write_text("TRADEOPS_ENGINE_TOKN=x\n")
    found = unknown_names()
    assert ("TRADEOPS_STROE", "TRADEOPS_STORE") in found
    assert ("TRADEOPS_ENGINE_TOKN", "TRADEOPS_ENGINE_TOKEN") in found
    assert "TRADEOPS_STORE" not in dict(found)


def test_another_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RUST_API_URL=http://default:1\n")
    (tmp_path / "other").write_text("RUST_API_URL=http://other:1\n")
    monkeypatch.setenv("TRADEOPS_ENV_FILE", str(tmp_path / "other"))
    assert load_settings().rust_api_url == "http://other:1"


def test_every_setting_has_a_description_and_an_example_that_it_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in effective_settings(load_settings()):
        assert row.description, row.name
        assert row.example, row.name
        monkeypatch.setenv(row.name, row.example)
    monkeypatch.delenv("TRADEOPS_STORE")
    for name in ("TRADEOPS_CA_FILE", "TRADEOPS_CLIENT_CERT_FILE"):  # such files must be there: see test_tls.py
        monkeypatch.delenv(name)
    assert load_settings().rust_api_url == "http://127.0.0.1:8080"


def test_the_reference_in_the_documentation_is_the_one_we_print() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    assert reference() in documented


SLACK = {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"}
NTFY = {"NOTIFY_URLS": "ntfys://ntfy.sh/desk"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, set(), id="nothing configured"),
        pytest.param(SLACK | NTFY, {"slack", "apprise"}, id="all that are configured"),
        pytest.param(SLACK | NTFY | {"NOTIFICATION_CHANNELS": " apprise ,"}, {"apprise"}, id="the chosen ones"),
        pytest.param(SLACK | {"NOTIFICATIONS_ENABLED": "false"}, set(), id="switched off"),
    ],
)
def test_channels_in_use_are_those_configured_and_chosen(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: set[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().channels_in_use == expected


def test_a_login_that_is_an_address_is_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SMTP_HOST": "mail",
        "SMTP_USER": "desk@example.com",
        "SMTP_PASSWORD": "x",
        "EMAIL_TO": "a@example.com, b@example.com,a@example.com",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.email_sender == "desk@example.com"
    assert settings.email_recipients == ("a@example.com", "b@example.com")


def test_targets_of_apprise_may_have_commas_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_URLS", "mailto://u:p@host?to=a@b,c@d, json://host\nxml://host,")
    found = [target.get_secret_value() for target in load_settings().apprise_targets]
    assert found == ["mailto://u:p@host?to=a@b,c@d", "json://host", "xml://host"]
