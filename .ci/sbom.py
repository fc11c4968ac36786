"""Writes what each image holds as CycloneDX JSON into build/sbom/. `make sbom`; the same locks give the same bytes.

What an image holds is read off the Dockerfile: the locks that its stage installs, less what it uninstalls again. What
is no package of Python's is not in it: Debian's packages and Python itself are those of the base image.
"""

import json
import re
import subprocess
import sys
import tomllib
import uuid

from locks import DEVELOPMENT, ROOT, RUN, TRAINER, merged

IMAGES = ("tradeops", "trainer")  # each is made of a stage `…-built`
DEVELOPED = "development"
FOLDER = ROOT / "build" / "sbom"


def of_image(name: str) -> tuple[list[str], set[str]]:
    """Which locks the Dockerfile installs for an image, and which packages it removes again.

    Raises:
        ValueError: there is no such stage, or it installs no lock.
    """
    file = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    stage = next((one for one in re.split(r"^FROM ", file, flags=re.MULTILINE) if f" AS {name}-built\n" in one), "")
    locks = re.findall(r" -r (\S+)", stage)
    if not locks:
        raise ValueError(f"the Dockerfile has no stage {name}-built that installs a lock")
    removed = re.findall(r" uninstall ((?:[^&|;\n])*)", stage)
    return locks, {word for line in removed for word in line.split() if not word.startswith("-")}


def requirements(name: str) -> str:
    """What is installed, as a lock says it."""
    if name == DEVELOPED:
        return merged(RUN, TRAINER, DEVELOPMENT)
    locks, removed = of_image(name)
    kept = re.split(r"\n(?=\S)", merged(*locks))
    return "\n".join(one for one in kept if one.partition("==")[0] not in removed)


def main(wanted: list[str]) -> int:
    """Write one file for each image and for development, or for those of them that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in wanted or (*IMAGES, DEVELOPED):
        text = requirements(name)
        command = [sys.executable, "-m", "cyclonedx_py", "requirements", "-", "--output-reproducible"]
        command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-format", "JSON"]
        made = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if made.returncode:
            sys.stderr.write(made.stderr)
            return 1
        bom = json.loads(made.stdout)
        bom["metadata"]["component"] |= {"name": name, "version": project["version"]}
        bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, made.stdout)}"
        path = FOLDER / f"{name}.cdx.json"
        path.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")
        print(f"{path.relative_to(ROOT)}: {len(bom['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
