"""What the watchdog costs: memory and share of a core, at its default pace, guarding a sandbox."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
MEMORY_LIMIT_MIB = 80
CORE_LIMIT_PERCENT = 1.0
SECONDS = 60


def main() -> int:
    """Print both figures beside their limits; 1 when one is exceeded."""
    with tempfile.TemporaryDirectory() as home, sandbox(Path(home) / "sandbox") as engine:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADEOPS_")}
        environment |= {"TRADEOPS_HOME": home, "PREFECT_API_URL": "http://127.0.0.1:9/api", "RUST_API_URL": engine}
        command = [sys.executable, "-m", "tradeops.cli", "watchdog"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as started:
            process = psutil.Process(started.pid)
            time.sleep(5)
            before = sum(process.cpu_times()[:2])
            time.sleep(SECONDS)
            core_percent = (sum(process.cpu_times()[:2]) - before) / SECONDS * 100
            memory_mib = process.memory_info().rss / 2**20
            started.terminate()
    print("| figure | measured | limit |\n|---|--:|--:|")
    print(f"| memory (RSS) | {memory_mib:.0f} MiB | {MEMORY_LIMIT_MIB} MiB |")
    print(f"| share of a core over {SECONDS} s | {core_percent:.2f} % | {CORE_LIMIT_PERCENT:g} % |")
    return int(memory_mib > MEMORY_LIMIT_MIB or core_percent > CORE_LIMIT_PERCENT)


@contextmanager
def sandbox(home: Path) -> Iterator[str]:
    """A sandbox, by the address of its engine."""
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--no-redis", "--no-rabbitmq"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            while not (home / "sandbox.json").exists():
                time.sleep(0.1)
            yield json.loads((home / "sandbox.json").read_text())["environment"]["RUST_API_URL"]
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
