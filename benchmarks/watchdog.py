"""What the watchdog costs beside everything else: memory and share of a core, at its default pace."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
MEMORY_LIMIT_MIB = 80
CORE_LIMIT_PERCENT = 1.0
SECONDS = 60


def main() -> int:
    """Print both figures beside their limits; 1 when one is exceeded."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADEOPS_")}
        environment |= {"TRADEOPS_HOME": home, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
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


if __name__ == "__main__":
    sys.exit(main())
