"""Writes what each image holds as CycloneDX JSON into build/sbom/. `make sbom`; the same locks give the same bytes."""

import json
import subprocess
import sys
import tomllib
import uuid

from locks import DEVELOPMENT, ROOT, RUN, TRAINER, merged

BOMS = {  # which locks are installed in which image, and for development
    "tradeops": (RUN,),
    "trainer": (RUN, TRAINER),
    "development": (RUN, TRAINER, DEVELOPMENT),
}
FOLDER = ROOT / "build" / "sbom"


def main(wanted: list[str]) -> int:
    """Write one file for each of `BOMS`, or of those that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in wanted or BOMS:
        locks = BOMS[name]
        text = merged(*locks)
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
