"""The terminal: `tradeops COMMAND`. Each command is a module, imported only when it is called."""

import importlib
import os
import sys

import click

from tradeops.errors import MisconfiguredError, TradeOpsError

COMMANDS = {
    "up": ("tradeops.cli.up", "Start everything, run the jobs once, keep their schedule."),
    "health": ("tradeops.cli.health", "Probe the bot and all it stands on, now."),
    "report": ("tradeops.cli.report", "Make a daily report: portfolio, cost or performance."),
    "backtest": ("tradeops.cli.backtest", "Trade a strategy on past candles; look at results, make them again."),
    "bulk": ("tradeops.cli.bulk", "Say what many symbols tell at their newest close."),
    "optimize": ("tradeops.cli.optimize", "Search better parameters; look at results, make them again."),
    "doctor": ("tradeops.cli.doctor", "Examine an installation: settings, endpoints, versions."),
    "config": ("tradeops.cli.config", "Show the effective settings and where each came from."),
    "incidents": ("tradeops.cli.incidents", "List what is broken, and take care of it."),
    "silence": ("tradeops.cli.silence", "Let some incidents alert nobody for a while."),
    "notify": ("tradeops.cli.notify", "Send a test message to each channel of notifications."),
    "outbox": ("tradeops.cli.outbox", "Show messages that wait or were never delivered; send them."),
    "decision": ("tradeops.cli.decision", "List, show and replay the decisions whether to retrain."),
    "audit": ("tradeops.cli.audit", "Examine the hash-chained trail of decisions."),
    "eval": ("tradeops.cli.evaluate", "Test the language model on golden cases; it costs money."),
    "llm": ("tradeops.cli.llm", "What our own calls of language models cost."),
    "model": ("tradeops.cli.model", "List the versions of the models, go back to the one before."),
    "deploy": ("tradeops.cli.deploy", "Put pool, deployments and automations onto your Prefect server."),
    "dashboard": ("tradeops.cli.dashboard", "Serve the web page that shows how the bot is and was."),
    "watchdog": ("tradeops.cli.watchdog", "Guard the desk: send what waits, alarm when its jobs stop."),
    "trainer": ("tradeops.cli.trainer", "Run the service that trains models and serves them."),
    "backup": ("tradeops.cli.backup", "Write the store, the spool and the brake's journal into a file."),
    "restore": ("tradeops.cli.restore", "Fill the store that the settings choose from a backup."),
    "disable": ("tradeops.cli.disable", "Switch a strategy off now, and see that it is off."),
    "release": ("tradeops.cli.release", "Let a strategy trade again that was switched off."),
    "brakes": ("tradeops.cli.brakes", "List what is switched off, since when and why."),
    "drill": ("tradeops.cli.drill", "Exercise the brake and the channels on a canary."),
    "sandbox": ("tradeops.cli.sandbox", "Run the sandbox bot; break it and mend it."),
}
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DEGRADED = 3


class LazyCommands(click.Group):
    """Commands by name; help needs no import of theirs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; `None` when there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)  # noqa: S101 - our own table
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tradeops", prog_name="tradeops", message="%(prog)s %(version)s")
def tradeops() -> None:
    """The night desk of a crypto trading bot."""


def main() -> None:
    """The console script: a typed error is one line on stderr, never a traceback; its files are its user's alone."""
    os.umask(0o077)
    try:
        tradeops(prog_name="tradeops")
    except MisconfiguredError as error:
        click.echo(f"tradeops: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except TradeOpsError as error:
        click.echo(f"tradeops: {error}", err=True)
        sys.exit(EXIT_FAILED)
