"""Asks whether known faults are in what the locks name. `make audit` fails on findings, and says when nobody answers.

An audit that reaches nobody finds nothing, and an index that keeps no advisories finds nothing either: so a release
whose faults everybody knows is asked about first. Only who knows them is believed when it knows of no others.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from locks import DEVELOPMENT, RUN, TRAINER, merged

KNOWN_BAD = "jinja2==2.10"  # CVE-2019-10906, and others since
CONTROL_SECONDS, AUDIT_SECONDS = 8, 120
ACCEPTED = Path(__file__).with_name("audit-accepted.txt")
Fault = tuple[str, str]


def faults(requirements: str, service: list[str], seconds: int) -> list[Fault] | None:
    """The id and a line for each; `None` when the service did not answer.

    Args:
        requirements: the text of a lock.
        service: the options of pip-audit that name it.
        seconds: longest wait.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements)
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(file), "--no-deps", "--disable-pip"]
        command += [*service, "--cache-dir", folder, "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603 - ours
            report = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return None
    return [
        (fault["id"], f"{one['name']} {one['version']}: {fault['id']}, mended in {_mended(fault)}")
        for one in report["dependencies"]
        for fault in one.get("vulns", ())
    ]


def main(arguments: list[str]) -> int:
    """Exit code: 1 with findings, else 0, also when nobody could be asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osv-url", help="a mirror of osv.dev, asked alone")
    mirror = parser.parse_args(arguments).osv_url
    if find_spec("pip_audit") is None:
        print("audit: pip-audit is not installed; make .venv/dev.stamp")
        return 1
    osv = ["--vulnerability-service", "osv"]
    services = [[*osv, "--osv-url", mirror]] if mirror else [osv, ["--vulnerability-service", "pypi"]]
    service = next((one for one in services if faults(KNOWN_BAD, one, CONTROL_SECONDS)), None)
    if service is None:
        print(f"audit: not checked: unreachable (no advisory service knows that {KNOWN_BAD} is faulty)")
        return 0
    found = faults(merged(RUN, TRAINER, DEVELOPMENT), service, AUDIT_SECONDS)
    if found is None:
        print(f"audit: not checked: {service[1]} did not answer within {AUDIT_SECONDS} s")
        return 0
    accepted = _accepted()
    open_ones = [line for name, line in found if name not in accepted]
    print("\n".join([f"audit: {len(open_ones)} known faults, {len(found) - len(open_ones)} accepted", *open_ones]))
    return 1 if open_ones else 0


def _mended(fault: dict[str, list[str]]) -> str:
    return ", ".join(fault["fix_versions"]) or "no release"


def _accepted() -> set[str]:
    """Ids, the first word of a line; its other words say why the fault does not concern us."""
    lines = ACCEPTED.read_text().splitlines()
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
