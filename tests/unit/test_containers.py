"""What the container files say fits together, and with the product; no engine is needed for that."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pydantic import SecretStr

from tradeops.cli import COMMANDS, tradeops
from tradeops.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
NOT_OURS = {"postgres", "mongodb", "redis", "rabbitmq"}

service = pytest.mark.parametrize("name", SERVICES)


def stages() -> dict[str, list[str]]:
    """The instructions of each stage of the Dockerfile, its `FROM` first."""
    found: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, INSTRUCTIONS.splitlines())):
        if line.startswith("FROM"):
            found[line.rpartition(" AS ")[2]] = []
        if found:
            found[list(found)[-1]].append(line)
    return found


@service
def test_a_service_is_watched_shut_in_and_bounded(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not one.get("privileged")
    assert int(one["user"].partition(":")[0]) > 0
    assert one["mem_limit"]
    assert one["logging"]["options"].keys() == {"max-size", "max-file"}
    check = one["healthcheck"]
    assert check.get("disable") is (True if name == "deploy" else None), "only what ends by itself has none"
    assert name == "deploy" or check["test"][0] in {"CMD", "CMD-SHELL"}
    assert one["networks"]


@service
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert "network_mode" not in SERVICES[name]
    assert not [volume for volume in SERVICES[name].get("volumes", []) if volume.startswith(("/", ".", "~"))]


@service
def test_a_service_waits_only_for_what_is_there_and_mounts_only_what_exists(name: str) -> None:
    for other, terms in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        assert terms["condition"] in {"service_healthy", "service_completed_successfully"}
        assert "profiles" not in SERVICES[other] or terms["required"] is False
    assert {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])} <= set(COMPOSE["volumes"])
    assert set(SERVICES[name]["networks"]) <= set(COMPOSE["networks"])
    assert set(secrets_of(name)) <= set(COMPOSE["secrets"])


def secrets_of(name: str) -> list[str]:
    return [one if isinstance(one, str) else one["source"] for one in SERVICES[name].get("secrets", [])]


def test_the_guard_starts_without_prefect() -> None:
    assert not {"prefect", "deploy", "postgres", "worker"} & set(SERVICES["watchdog"]["depends_on"])


def test_every_secret_has_its_file_made_and_no_service_has_it_in_its_environment(tmp_path: Path) -> None:
    done = subprocess.run(["sh", ROOT / "docker" / "make-secrets", tmp_path / "s"], check=True, capture_output=True)
    made = {path.name: path for path in (tmp_path / "s").iterdir()}
    assert {Path(one["file"]).name for one in COMPOSE["secrets"].values()} == set(made) == set(COMPOSE["secrets"])
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    passwords = [path.read_text() for name, path in made.items() if name.endswith(("_password", "_TOKEN"))]
    kept = [one for one in passwords if one]
    assert len(set(kept)) == len(kept) == 6
    assert all(len(one) == 48 for one in kept)
    assert not [one for one in kept if one in done.stdout.decode()]
    assert made["mongodb_password"].read_text() in made["MONGODB_URL"].read_text()
    before = {name: path.read_text() for name, path in made.items()}
    subprocess.run(["sh", ROOT / "docker" / "make-secrets", tmp_path / "s"], check=True, capture_output=True)
    assert before == {name: path.read_text() for name, path in made.items()}, "a second time changes nothing"
    for name, one in SERVICES.items():
        assert not set(made) & set(one.get("environment", {})), name
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_secret_setting_can_come_from_a_file() -> None:
    secret = {
        str(info.validation_alias)
        for info in Settings.model_fields.values()
        if SecretStr in {info.annotation, *getattr(info.annotation, "__args__", ())}
    }
    assert secret
    for_the_cloud, for_the_dashboard = {"PREFECT_API_KEY"}, {"TRADEOPS_DASHBOARD_TOKEN"}
    assert secret - for_the_cloud - for_the_dashboard <= set(secrets_of("worker"))
    assert secrets_of("worker") == secrets_of("worker-research") == secrets_of("watchdog")


@service
def test_what_a_service_runs_is_there(name: str) -> None:
    match SERVICES[name].get("command"):
        case ["tradeops", subcommand, *options] if subcommand in COMMANDS:
            told = CliRunner().invoke(tradeops, [subcommand, "--help"])
            assert told.exit_code == 0
            assert not [option for option in options if option.startswith("--") and option not in told.output]
        case ["prefect", *_] | ["python", "-m", "trainer" | "sandbox", *_]:
            pass
        case _:
            assert name in NOT_OURS
    check = SERVICES[name]["healthcheck"].get("test", [])
    if "docker/answers.py" in check:
        assert (ROOT / "docker" / "answers.py").is_file()


@pytest.mark.parametrize(("module", "name"), [("sandbox", "sandbox"), ("trainer", "trainer")])
def test_the_options_of_a_service_of_its_own_are_known(module: str, name: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    given = {word.partition("=")[0] for word in SERVICES[name]["command"] if word.startswith("--")}
    assert given <= set(re.findall(r"--[a-z-]+", told.stdout))


def test_the_workers_serve_all_queues_and_the_long_ones_apart() -> None:
    named = [queue["name"] for queue in yaml.safe_load((ROOT / "prefect.yaml").read_text())["definitions"]["queues"]]

    def queues(name: str) -> list[str]:
        words = SERVICES[name]["command"]
        return [words[at + 1] for at, word in enumerate(words) if word == "--work-queue"]

    assert sorted(queues("worker") + queues("worker-research")) == sorted(named)
    assert "monitoring" in queues("worker")
    assert not {"retrain", "research"} & set(queues("worker"))


def test_what_an_image_copies_exists_and_is_let_into_the_build() -> None:
    copied = [
        path.rstrip("/")
        for line in INSTRUCTIONS.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for path in line.split()[1:-1]
    ]
    assert {"requirements.lock", "requirements-trainer.lock", "prefect.yaml", "flows", "tradeops"} <= set(copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:].rstrip("/") for line in ignored if line.startswith("!")}
    assert ignored[1] == "*"
    assert allowed == set(copied)
    assert all((ROOT / path).exists() for path in copied)
    assert not [path for path in allowed if fnmatch.fnmatch(path, "*.env*") or "secret" in path]


def test_images_are_made_of_what_the_locks_name_and_nothing_else() -> None:
    installs = re.findall(r"pip [^&\n]*? install [^&\n]*", INSTRUCTIONS)
    assert len(installs) == 4
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or "--no-build-isolation" in install or "--no-index" in install
    assert not re.search(r"apt-get|curl |wget |ADD ", INSTRUCTIONS)


@pytest.mark.parametrize("name", ["trainer", "tradeops"])
def test_a_final_image_runs_as_nobody_special_without_what_built_it(name: str) -> None:
    found = stages()
    assert "FROM runtime" in found[name][0]
    assert [line for line in found["runtime"] if line.startswith("USER ")] == ["USER 10001:10001"]
    assert not [line for line in found[name] if line.startswith(("RUN ", "USER "))]
    assert sum(line.startswith("HEALTHCHECK ") for line in found[name]) == 1
    assert "org.opencontainers.image.licenses" in INSTRUCTIONS
    assert "compileall" in " ".join(found[f"{name}-built"])
    assert list(found)[-1] == "tradeops", "which a build without a target makes"


def test_the_base_is_pinned_to_a_release() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"^FROM (?!\$|python |runtime )", INSTRUCTIONS, re.MULTILINE)


def test_prefects_secrets_are_handed_on_from_their_files(tmp_path: Path) -> None:
    (tmp_path / "PREFECT_API_AUTH_STRING").write_text("admin:it's $HOME\n")
    (tmp_path / "PREFECT_API_KEY").write_text("")
    (tmp_path / "OPENAI_API_KEY").write_text("sk-file")
    entrypoint, show = ROOT / "docker" / "entrypoint", "printenv PREFECT_API_AUTH_STRING; printenv | grep -c _API_"
    given = {"PATH": "/usr/bin:/bin", "TRADEOPS_SECRETS_DIR": str(tmp_path)}
    told = subprocess.run([entrypoint, "sh", "-c", show], env=given, capture_output=True, text=True, check=True)
    assert told.stdout == "admin:it's $HOME\n1\n"
    given["PREFECT_API_AUTH_STRING"] = "the environment wins"
    told = subprocess.run([entrypoint, "sh", "-c", show], env=given, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("the environment wins\n")


def test_the_docker_variant_is_the_same_deployments_in_containers_with_limits() -> None:
    usual, docker = (yaml.safe_load((ROOT / name).read_text()) for name in ("prefect.yaml", "prefect.docker.yaml"))
    theirs = {one["name"]: one for one in usual["deployments"]}
    long = {name for name, one in theirs.items() if one["work_pool"]["work_queue_name"] in {"retrain", "research"}}
    assert {one["name"] for one in docker["deployments"]} == long
    for one in docker["deployments"]:
        other, pool = theirs[one["name"]], one["work_pool"]
        assert {**one, "work_pool": 0} == {**other, "work_pool": 0}
        assert (pool["name"], pool["work_queue_name"]) == ("tradeops-docker", other["work_pool"]["work_queue_name"])
        given = pool["job_variables"]
        assert other["work_pool"]["job_variables"]["env"].items() <= given["env"].items()
        assert given["mem_limit"]
        assert given["container_create_kwargs"].items() >= {"read_only": True, "cap_drop": ["ALL"]}.items()
        mounted = {volume.split(":")[1] for volume in given["volumes"] if "/secrets/" in volume}
        assert {Path(path).name for path in mounted} <= set(COMPOSE["secrets"])
        hidden = {name for name, value in given["env"].items() if value is None}
        assert hidden >= {"PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"}, "Prefect's worker would show them"
        assert "/run/secrets/PREFECT_API_AUTH_STRING" in mounted


def test_a_worker_asks_again_after_the_500_of_a_database_that_was_away() -> None:
    asked_again = ("PREFECT_CLIENT_RETRY_EXTRA_CODES", "500")
    [image] = [line for line in stages()["tradeops"] if "=".join(asked_again) in line]
    assert image.startswith("ENV")
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        assert asked_again in one["work_pool"]["job_variables"]["env"].items()
    unit = (ROOT / "docs" / "operations.md").read_text().partition("# tradeops-worker.service")[2].partition("```")[0]
    assert f"Environment={'='.join(asked_again)}" in unit
