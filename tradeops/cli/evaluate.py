"""`tradeops eval`: how well the configured language model judges the golden cases. It costs money."""

import asyncio

import click

from tradeops.cli import EXIT_DEGRADED

GOOD_PERCENT = 80.0  # of agreement, from the product's limits


@click.command()
@click.option("--cases", "most", type=click.IntRange(1), help="Only the first so many.")
def command(most: int | None) -> None:
    """Test the language model on golden cases; it costs money: a few cents at most.

    Exits with 3 when fewer than 80 % of its votes are as expected, or the budget ends before the cases do.
    """
    agreement = asyncio.run(_evaluate(most))
    if agreement < GOOD_PERCENT:
        raise SystemExit(EXIT_DEGRADED)


async def _evaluate(most: int | None) -> float:
    from tradeops.jobs.decision.evaluation import Answer, evaluate  # noqa: PLC0415 - help needs no clients
    from tradeops.jobs.decision.golden import cases  # noqa: PLC0415 - the same
    from tradeops.wiring import open_desk  # noqa: PLC0415 - the same

    def told(one: Answer) -> None:
        says = f"{one.recommendation} {one.confidence}" if one.recommendation else f"no vote: {one.problem}"
        mark = "✓" if one.agrees else "✗"
        expected = " or ".join(one.case.expected.recommendations)
        click.echo(f"{mark} {one.case.name:40} {says:28} expected {expected}; ${one.cost_usd:.6f}, {one.seconds:.1f} s")

    async with open_desk() as desk:
        found = await evaluate(desk, cases()[:most], heard=told)
    if found.stopped:
        click.echo(f"stopped before the end, what follows is of the first {len(found.answers)} alone: {found.stopped}")
    started = sum(one.starts_retrain for one in found.answers)
    wrong = [one.case.name for one in found.answers if one.starts_retrain and not one.case.expected.start_retrain]
    click.echo(
        f"{found.model}: {found.agreement_percent:.0f} % of {len(found.answers)} as expected, ${found.cost_usd:.6f}"
    )
    click.echo(f"a vote takes {found.median_seconds:.1f} s (median), {found.longest_seconds:.1f} s at most")
    click.echo(f"by itself it would start {started} retrains" + (f", unexpected: {', '.join(wrong)}" if wrong else ""))
    return 0.0 if found.stopped else found.agreement_percent
