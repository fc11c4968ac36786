"""What each route takes and refuses. Nothing is trained here: the foreman is not at work."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from tests.trainer.running import CANDLES, PLAN, Body
from tradeops.adapters.trainer.client import OUR_ROUTES
from trainer import foreman
from trainer.app import build_app
from trainer.registry import MODEL, SCALER, Kind, Registry, text_writer
from trainer.settings import TrainerSettings

TOKEN = "a-token-of-this-test"


@asynccontextmanager
async def serving(home: Path, **settings: Any) -> AsyncGenerator[httpx.AsyncClient]:  # noqa: ANN401 - of any type
    chosen = TrainerSettings(home=home, **{"least_disk_gib": 0, **settings})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(chosen)), base_url="http://trainer") as http:
        yield http


@pytest.fixture
async def http(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with serving(tmp_path) as client:
        yield client


async def uploaded(http: httpx.AsyncClient) -> str:
    answer = await http.post("/ai/datasets", json={"candles": CANDLES.to_json()})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["dataset_id"])


async def asked(http: httpx.AsyncClient, key: str = "k1", **plan: object) -> httpx.Response:
    body = {**PLAN, "dataset_id": CANDLES.digest(), **plan}
    return await http.post("/ai/train", json=body, headers={"idempotency-key": key})


def detail(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    told = answer.json()["detail"]
    assert isinstance(told, str)
    return told


def add_versions(home: Path, *names: str) -> None:
    registry = Registry(home / "models", keep=5)
    for number, name in enumerate(names):
        facts = {
            "trained_at": f"2026-11-25T10:00:{number:02}+00:00",
            "holdout": {"accuracy": 0.53, "log_loss": 0.69, "f1_score": 0.5},
            "samples": {"train": 256},
            "plan": PLAN,
        }
        files = {MODEL: text_writer(b"model"), SCALER: text_writer(b"{}")}
        registry.add(Kind("gru", "BTCUSDT"), name, files, facts)


async def test_it_describes_itself_as_the_product_expects_it(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    routes = {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs}
    assert routes == {
        *OUR_ROUTES,
        "GET /health",
        "GET /ai/train/{job_id}",
        "POST /ai/train/{job_id}/cancel",
        "GET /ai/models",
        "POST /ai/models/{model_type}/{symbol}/rollback",
        "GET /ai/model/accuracy_history",
        "POST /predict",
    }


async def test_it_says_how_it_is(http: httpx.AsyncClient) -> None:
    told = (await http.get("/health")).json()
    assert told["status"] == "healthy"
    assert told["free_disk_gib"] > 0
    assert told["running"] == []


async def test_concurrent_uploads_of_the_same_candles_are_one_data_set(http: httpx.AsyncClient, tmp_path: Path) -> None:
    assert set(await asyncio.gather(*(uploaded(http) for _ in range(4)))) == {CANDLES.digest()}
    assert [path.stem for path in (tmp_path / "datasets").iterdir()] == [CANDLES.digest()]


async def test_a_damaged_data_set_is_refused_and_mended_by_the_next_upload(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "datasets" / f"{await uploaded(http)}.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert "upload it again" in detail(await asked(http), 500)
    await uploaded(http)
    assert (await asked(http)).status_code == 202


async def test_a_key_that_is_known_gets_the_same_training(http: httpx.AsyncClient) -> None:
    await uploaded(http)
    first = await asked(http)
    assert first.status_code == 202
    assert {name: first.json()[name] for name in ("state", "epochs", "history", "result", "problem")} == {
        "state": "queued",
        "epochs": 1,
        "history": [],
        "result": None,
        "problem": "",
    }
    again = await asyncio.gather(*(asked(http) for _ in range(5)))
    assert {answer.json()["job_id"] for answer in again} == {first.json()["job_id"]}
    assert "belongs to another training" in detail(await asked(http, seed=2), 409)


async def test_one_training_of_a_type_and_symbol_waits_or_runs(http: httpx.AsyncClient) -> None:
    await uploaded(http)
    job = (await asked(http)).json()["job_id"]
    assert detail(await asked(http, "k2"), 409) == f"gru of BTCUSDT is being trained already: {job}"
    assert (await asked(http, "k3", symbol="ETHUSDT")).status_code == 202


async def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    async with serving(tmp_path, queue_size=1) as http:
        await uploaded(http)
        assert (await asked(http)).status_code == 202
        refused = await asked(http, "k2", symbol="ETHUSDT")
    assert detail(refused, 429) == "1 trainings wait already"
    assert refused.headers["retry-after"] == "60"


async def test_a_day_has_its_bound_also_for_trainings_that_have_ended(tmp_path: Path) -> None:
    async with serving(tmp_path, most_per_day=1) as http:
        await uploaded(http)
        job = (await asked(http)).json()["job_id"]
        await http.post(f"/ai/train/{job}/cancel")
        refused = await asked(http, "k2")
    assert "began within 24 hours" in detail(refused, 429)
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_401


async def test_without_disk_space_no_training_begins_and_the_model_in_use_stays(tmp_path: Path) -> None:
    add_versions(tmp_path, "v1")
    async with serving(tmp_path, least_disk_gib=10**9) as http:
        await uploaded(http)
        await http.post("/ai/models/gru/BTCUSDT/versions/v1/promote", json={"expected": None})
        assert "GiB of disk are free" in detail(await asked(http), 507)
        [model] = (await http.get("/ai/models")).json()["models"]
    assert (model["version"], model["role"]) == ("v1", "champion")


async def test_a_cancelled_training_stays_cancelled(http: httpx.AsyncClient) -> None:
    await uploaded(http)
    job = (await asked(http)).json()["job_id"]
    for _ in range(2):
        assert (await http.post(f"/ai/train/{job}/cancel")).json()["state"] == "cancelled"
    assert (await http.get(f"/ai/train/{job}")).json()["state"] == "cancelled"
    assert (await asked(http)).json()["state"] == "cancelled"
    assert (await asked(http, "k2")).json()["state"] == "queued"


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"model_type": "oracle"}, "body.model_type: Input should be 'lstm', 'gru' or 'transformer'"),
        ({"symbol": "../../etc"}, "body.symbol"),
        ({"epochs": 0}, "body.epochs"),
        ({"epochs": 401}, "epochs 401 is not allowed"),
        ({"batch_size": 48}, "batch_size 48 is not allowed"),
        ({"learning_rate": 0}, "body.learning_rate"),
        ({"length": 1}, "body.length"),
        ({"label": "maybe"}, "body.label"),
        ({"epoch": 5}, "body.epoch: Extra inputs are not permitted"),
    ],
)
async def test_a_plan_that_is_not_allowed_is_named(plan: dict[str, object], says: str, tmp_path: Path) -> None:
    async with serving(tmp_path, most_epochs=400) as http:
        await uploaded(http)
        assert says in detail(await asked(http, **plan), 422)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"close": [float("nan")] * 506}, "close"),
        ({"close": None}, "no columns of numbers"),
        ({"opened_ms": [10**30] * 506}, "a time that no candle can have"),
        ({"opened_ms": [float("inf")] * 506}, "no columns of numbers"),
        ({"opened_ms": [0] * 506}, "not ascending"),
        ({"timeframe": "1y"}, "1y"),
        ({"volume": [1.0]}, "one length"),
    ],
)
async def test_candles_that_cannot_be_true_are_refused(
    change: dict[str, object], says: str, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    content = json.dumps({"candles": CANDLES.to_json() | change})
    answer = await http.post("/ai/datasets", content=content, headers={"content-type": "application/json"})
    assert says in detail(answer, 422)
    assert not (tmp_path / "datasets").exists()


async def test_a_misshapen_body_is_not_sent_back(http: httpx.AsyncClient) -> None:
    answer = await http.post("/ai/datasets", json={"candles": ["planted"] * 1000})
    assert detail(answer, 422) == "body.candles: Input should be a valid dictionary"


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/ai/train/0123", None),
        ("GET", f"/ai/train/{'a' * 3000}", None),
        ("POST", "/ai/train/0123/cancel", None),
        ("POST", "/ai/train", {**PLAN, "dataset_id": "f" * 64}),
        ("POST", "/ai/models/gru/BTCUSDT/versions/v9/promote", {"expected": None}),
        ("POST", "/ai/models/gru/BTCUSDT/versions/v9/evaluate", {"since_ms": 0, "until_ms": 1}),
        ("POST", "/predict", {"model_type": "gru", "symbol": "BTCUSDT", "candles": CANDLES.to_json()}),
    ],
)
async def test_what_is_not_there_is_a_404(verb: str, path: str, body: Body | None, http: httpx.AsyncClient) -> None:
    await uploaded(http)
    if body is not None and "since_ms" in body:
        body = body | {"dataset_id": CANDLES.digest()}
    answer = await http.request(verb, path, json=body, headers={"idempotency-key": "k"})
    assert detail(answer, 404)


async def test_bodies_are_bounded(tmp_path: Path) -> None:
    async with serving(tmp_path, body_cap_mib=1) as http:
        assert "at most 1048576 bytes" in detail(await http.post("/ai/datasets", content=b"x" * (2**20 + 1)), 413)

        async def endless() -> AsyncGenerator[bytes]:
            yield b"x"

        assert detail(await http.post("/ai/datasets", content=endless()), 411)


async def test_without_the_token_there_is_only_health_and_the_description(tmp_path: Path) -> None:
    async with serving(tmp_path, token=SecretStr(TOKEN), host="0.0.0.0") as http:  # noqa: S104 - what it is about
        for path, status in (("/health", 200), ("/openapi.json", 200), ("/ai/models", 401)):
            assert (await http.get(path)).status_code == status
        wrong = await http.get("/ai/models", headers={"authorization": "Bearer " + TOKEN[:-1]})
        assert "TRADEOPS_TRAINER_TOKEN" in detail(wrong, 401)
        assert TOKEN not in wrong.text
        assert (await http.get("/ai/models", headers={"authorization": f"Bearer {TOKEN}"})).json() == {"models": []}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "trainer.example"])  # noqa: S104
def test_beyond_this_machine_a_token_is_mandatory(host: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="beyond this machine, set TRADEOPS_TRAINER_TOKEN"):
        TrainerSettings(home=tmp_path, host=host)
    with pytest.raises(ValidationError, match="shorter than 16"):
        TrainerSettings(home=tmp_path, host=host, token=SecretStr("short"))
    assert TrainerSettings(home=tmp_path, host=host, token=SecretStr(TOKEN)).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_it_is_not(host: str, tmp_path: Path) -> None:
    assert TrainerSettings(home=tmp_path, host=host).token is None


async def test_twenty_promotions_at_once_have_one_winner(http: httpx.AsyncClient, tmp_path: Path) -> None:
    add_versions(tmp_path, "v0", "v1", "v2")
    promote = "/ai/models/gru/BTCUSDT/versions/{}/promote"
    told = (await http.post(promote.format("v0"), json={"expected": None, "unproven": True})).json()
    assert (told["role"], told["unproven"], told["accuracy"]) == ("champion", True, 0.53)
    challengers = ["v1", "v2"] * 10
    answers = await asyncio.gather(
        *(http.post(promote.format(version), json={"expected": "v0"}) for version in challengers)
    )
    won = {version for version, one in zip(challengers, answers, strict=True) if one.status_code == 200}
    assert len(won) == 1
    assert {one.status_code for one in answers} == {200, 409}
    models = (await http.get("/ai/models", params={"model_type": "gru", "symbol": "BTCUSDT"})).json()["models"]
    assert {one["version"] for one in models if one["role"] == "champion"} == won
    back = await http.post("/ai/models/gru/BTCUSDT/rollback", json={"expected": won.pop(), "reason": "worse"})
    assert back.json()["version"] == "v0"
    again = await http.post("/ai/models/gru/BTCUSDT/rollback", json={"expected": "v0", "reason": "worse"})
    assert "had no version before" in detail(again, 422)
    assert (await http.get("/ai/models", params={"symbol": "ETHUSDT"})).json() == {"models": []}


async def test_a_tampered_model_is_named_and_the_one_in_use_stays(http: httpx.AsyncClient, tmp_path: Path) -> None:
    add_versions(tmp_path, "v0", "v1")
    await http.post("/ai/models/gru/BTCUSDT/versions/v0/promote", json={"expected": None})
    (tmp_path / "models" / "gru" / "BTCUSDT" / "v1" / MODEL).write_bytes(b"tampered")
    answer = await http.post("/ai/models/gru/BTCUSDT/versions/v1/promote", json={"expected": "v0"})
    assert "model.keras of gru v1 is not what was written" in detail(answer, 500)
    await uploaded(http)
    body = {"dataset_id": CANDLES.digest(), "since_ms": 0, "until_ms": 2**42}
    assert "not what was written" in detail(
        await http.post("/ai/models/gru/BTCUSDT/versions/v1/evaluate", json=body), 500
    )
    roles = {one["version"]: one["role"] for one in (await http.get("/ai/models")).json()["models"]}
    assert roles == {"v0": "champion", "v1": "other"}


async def test_the_accuracy_history_has_the_models_of_the_last_days(http: httpx.AsyncClient, tmp_path: Path) -> None:
    add_versions(tmp_path, "v0")
    [point] = (await http.get("/ai/model/accuracy_history", params={"days": 3650})).json()["history"]
    assert point == {
        "timestamp": "2026-11-25T10:00:00+00:00",
        "model_type": "gru",
        "symbol": "BTCUSDT",
        "version": "v0",
        "accuracy": 0.53,
        "loss": 0.69,
        "f1_score": 0.5,
        "training_samples": 256,
    }
    manifest = tmp_path / "models" / "gru" / "BTCUSDT" / "v0" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2026-11-25", "2020-11-25"))
    assert (await http.get("/ai/model/accuracy_history")).json() == {"history": []}
    assert (await http.get("/ai/model/accuracy_history", params={"days": 0})).status_code == 422


async def test_a_full_disk_does_not_end_the_foreman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    enough = asyncio.Event()

    async def fails(_self: object, _job: object) -> int:
        tries.append(len(tries))
        if len(tries) == 3:
            enough.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(foreman.Foreman, "_run_child", fails)
    monkeypatch.setattr(foreman, "PAUSE", 0.001)
    app = build_app(TrainerSettings(home=tmp_path, least_disk_gib=0))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://trainer") as http,
    ):
        await uploaded(http)
        await asked(http)
        async with asyncio.timeout(10):
            await enough.wait()


def test_without_a_graphics_card_it_computes_on_the_processor_unless_told_otherwise(tmp_path: Path) -> None:
    environment = foreman.backend(tmp_path)
    assert (environment["KERAS_BACKEND"], environment["JAX_PLATFORMS"]) == ("jax", "cpu")
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "compiled")
