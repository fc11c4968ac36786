"""Which targets hear of what, by the rules of `NOTIFY_ROUTES` and without any."""

import pytest

from tradeops.domain.notices import Level
from tradeops.domain.routing import parse_routes, targets_for

ALL = ("slack", "email", "webhook", "apprise-1", "apprise-2")


@pytest.mark.parametrize(
    ("event", "level", "rules", "told"),
    [
        pytest.param("health_critical", Level.CRITICAL, "", ALL, id="critical goes to all"),
        pytest.param("health_degraded", Level.WARNING, "", ALL, id="warning goes to all"),
        pytest.param("job_failed", Level.ERROR, "", ALL, id="error goes to all"),
        pytest.param("decision", Level.INFO, "", (), id="information goes to nobody"),
        pytest.param("portfolio_report", Level.INFO, "", ("email", "webhook"), id="reports go to their readers"),
        pytest.param("x", Level.WARNING, "warning=slack , email", ("slack", "email"), id="a level"),
        pytest.param("x", Level.CRITICAL, "warning=slack", ALL, id="a rule for another level"),
        pytest.param("x", Level.INFO, "info=*", ALL, id="all"),
        pytest.param("x", Level.CRITICAL, "critical=", (), id="nobody"),
        pytest.param(
            "cost_warning", Level.WARNING, "warning=slack;cost_*=email", ("email",), id="events before levels"
        ),
        pytest.param("cost_warning", Level.WARNING, "cost_*=email;cost_warning=slack", ("email",), id="first event"),
        pytest.param("x", Level.INFO, "info=apprise", ("apprise-1", "apprise-2"), id="a kind"),
        pytest.param("x", Level.INFO, "info=apprise-2", ("apprise-2",), id="one of a kind"),
        pytest.param("portfolio_report", Level.INFO, ";info=slack;", ("slack",), id="a level rule rules reports too"),
    ],
)
def test_a_rule_decides(event: str, level: Level, rules: str, told: tuple[str, ...]) -> None:
    assert targets_for(event, level, parse_routes(rules), ALL) == told


def test_reports_go_to_all_where_there_is_neither_mail_nor_webhook() -> None:
    assert targets_for("portfolio_report", Level.INFO, (), ("slack",)) == ("slack",)


@pytest.mark.parametrize("text", ["critical", "=slack", "a=b;c"])
def test_what_is_no_rule_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="has the rule"):
        parse_routes(text)
