"""The drill of what must not do harm when it fails: a language model that does not answer, a model that is worse.

Neither touches what is in use: the votes are asked of a port of this machine and kept in a store that is thrown away,
and the models are of a symbol that nobody trades.
"""

import asyncio
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydantic import SecretStr

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.store import open_store
from tradeops.domain.drills import Exercise, Outcome
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_services

if TYPE_CHECKING:  # drilling a brake needs no arrays
    from tradeops.adapters.trainer.interface import Trainer
    from tradeops.domain.models.training import ModelRecord

LLM_DOWN, ROLLBACK = "llm down", "rollback"
VOTE_SECONDS = 3.0
MARGIN = timedelta(seconds=15)  # the first call loads the SDK, which takes long on a busy machine
CANARY_TYPE, CANARY_SYMBOL = "gru", "TRADEOPSDRILL"
CANARY_CANDLES = 400
TRAINED_WITHIN = timedelta(minutes=5)
POLL_SECONDS = 0.5


async def llm_down(engine: EngineClient, settings: Settings) -> Exercise:
    """Ask a service that takes the question and never answers for the votes of a week that calls for a retrain.

    The bound must hold and the gate must say `wait`. Nothing leaves this machine, and nothing is paid.
    """
    if settings.openai_api_key is None:
        return Exercise(LLM_DOWN, Outcome.NOT_CONFIGURED, "OPENAI_API_KEY is not set, no language model is asked")
    from tradeops.domain.decisions.figures import figures  # noqa: PLC0415 - a drill of the brake alone needs none of it
    from tradeops.domain.decisions.gate import judge  # noqa: PLC0415
    from tradeops.domain.llm import Recommendation, render  # noqa: PLC0415
    from tradeops.jobs.decision.golden import cases  # noqa: PLC0415
    from tradeops.jobs.decision.prompts import load_prompt  # noqa: PLC0415
    from tradeops.jobs.decision.self_analysis import policy  # noqa: PLC0415
    from tradeops.jobs.decision.votes import ask_votes  # noqa: PLC0415

    case = next(one for one in cases() if one.expected.start_retrain)
    prompt = render(load_prompt(), figures(case.evidence))
    with _mute() as address, TemporaryDirectory(prefix="tradeops-drill-") as folder:
        seconds = min(VOTE_SECONDS, settings.llm_vote_seconds)
        changes = {"openai_base_url": address, "openai_api_key": SecretStr("drill"), "llm_vote_seconds": seconds}
        ours = settings.model_copy(update=changes)
        async with open_store("sqlite", home=Path(folder)) as store:
            desk = Desk(ours, store, engine, None, None, None, None, None, None)
            began = time.perf_counter()
            votes = await ask_votes(desk, prompt, analysis="drill", run_id="drill")
            took = timedelta(seconds=time.perf_counter() - began)
    verdict = judge([vote.proposal for vote in votes.votes], case.evidence, policy(settings))
    if not votes.tries:
        return Exercise(LLM_DOWN, Outcome.FAILED, f"it was not even asked: {votes.votes[0].problem}", took)
    if verdict.start_retrain or verdict.recommendation is not Recommendation.WAIT:
        return Exercise(LLM_DOWN, Outcome.FAILED, f"without an answer it says {verdict.recommendation.value}", took)
    if took > timedelta(seconds=seconds) + MARGIN:
        problem = f"it waited for {took.total_seconds():.1f} s instead of {seconds:g} s"
        return Exercise(LLM_DOWN, Outcome.FAILED, problem, took)
    finding = f"{len(votes.votes)} votes without an answer: wait, and nothing is started"
    return Exercise(LLM_DOWN, Outcome.PASSED, finding, took)


async def rollback(settings: Settings) -> Exercise:
    """Promote the newer of two canary models and go back to the older; the first drill trains them, in minutes."""
    async with open_services(settings) as services:
        trainer = services.trainer
        if trainer is None or not (settings.trainer_url or (await _is_ours(trainer))):
            return Exercise(ROLLBACK, Outcome.NOT_CONFIGURED, "TRAINER_URL is not set, no model is deployed by us")
        first, second = await _canaries(trainer)
        began = time.perf_counter()
        await trainer.promote(CANARY_TYPE, CANARY_SYMBOL, second, expected=first)
        if (now := await _in_use(trainer)) != second:
            return Exercise(ROLLBACK, Outcome.FAILED, f"{second} was promoted, but {now} is in use")
        promoted = time.perf_counter()
        await trainer.rollback(CANARY_TYPE, CANARY_SYMBOL, expected=second, reason="a drill")
        now, took = await _in_use(trainer), timedelta(seconds=time.perf_counter() - promoted)
    if now != first:
        return Exercise(ROLLBACK, Outcome.FAILED, f"{second} was rolled back, but {now} is in use", took)
    milliseconds = (promoted - began) * 1000
    finding = f"the canary {CANARY_TYPE} was promoted in {milliseconds:.0f} ms, and is the one before again"
    return Exercise(ROLLBACK, Outcome.PASSED, finding, took)


async def _is_ours(trainer: "Trainer") -> bool:
    try:
        await trainer.health()
    except TradeOpsError:
        return False
    return True


async def _canaries(trainer: "Trainer") -> tuple[str, str]:
    """The one in use, and another; trained where they are missing."""
    known = await _versions(trainer)
    for _ in range(2 - len(known)):
        await _train(trainer, seed=1 + len(await _versions(trainer)))
    known = await _versions(trainer)
    if (in_use := await _in_use(trainer)) is None:
        in_use = known[0].version
        await trainer.promote(CANARY_TYPE, CANARY_SYMBOL, in_use, expected=None, unproven=True)
    others = [one.version for one in known if one.version != in_use]
    if not others:
        raise RejectedError("trainer", "it does not keep two canary models", remedy="let it keep more versions")
    return in_use, others[-1]


async def _versions(trainer: "Trainer") -> "list[ModelRecord]":
    return sorted(await trainer.models(CANARY_TYPE, CANARY_SYMBOL), key=lambda one: (one.trained_at, one.version))


async def _in_use(trainer: "Trainer") -> str | None:
    return next((one.version for one in await _versions(trainer) if one.role == "champion"), None)


async def _train(trainer: "Trainer", *, seed: int) -> None:
    from tradeops.domain.models.training import TrainingPlan  # noqa: PLC0415
    from tradeops.jobs.drill.candles import canary_candles  # noqa: PLC0415

    dataset = await trainer.upload(CANARY_SYMBOL, canary_candles(CANARY_CANDLES))
    plan = TrainingPlan(CANARY_TYPE, CANARY_SYMBOL, dataset, epochs=1, length=10, seed=seed)
    training = await trainer.train(plan, idempotency_key=f"drill-{seed}-{time.time_ns()}")
    try:
        async with asyncio.timeout(TRAINED_WITHIN.total_seconds()):
            while not training.state.is_final:
                await asyncio.sleep(POLL_SECONDS)
                training = await trainer.training(training.job_id)
    except TimeoutError:
        await trainer.cancel(training.job_id)
        raise RejectedError("trainer", f"no canary was trained within {TRAINED_WITHIN}") from None
    if training.result is None:
        raise RejectedError("trainer", f"no canary was trained: {training.problem or training.state.value}")


@contextmanager
def _mute() -> Generator[str]:
    """A port of loopback that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
