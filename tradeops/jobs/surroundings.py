"""What the process stands on: versions, its folder, and whether it is in a container."""

import os
import platform
import re
import tempfile
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tradeops.domain.diagnosis import Check, Verdict

CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;,]+)$")


def check_versions() -> tuple[Check, ...]:
    """Python, ourselves, and each package that we pin to one version because another is known to break it."""
    ours = metadata.version("tradeops")
    pins = [found for text in metadata.requires("tradeops") or () if (found := PIN.match(text))]
    return (
        Check("versions", "python", Verdict.OK, platform.python_version()),
        Check("versions", "tradeops", Verdict.OK, ours),
        *(check_pin(name, wanted=version) for name, version in (pin.groups() for pin in pins)),
    )


def check_pin(package: str, *, wanted: str) -> Check:
    """Whether exactly the version we need is installed, without importing it."""
    remedy = f"install {package}=={wanted}"
    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        return Check("versions", package, Verdict.PROBLEM, "not installed", remedy)
    if installed != wanted:
        return Check("versions", package, Verdict.PROBLEM, f"{installed} instead of {wanted}", remedy)
    return Check("versions", package, Verdict.OK, installed)


def check_home(home: Path) -> Check:
    """Whether we can write where we keep what we know; nothing is left behind, a missing folder is not made."""
    remedy = "make it writable for this user or set TRADEOPS_HOME"
    present = next(path for path in (home, *home.absolute().parents) if path.exists())
    if present != home:
        if present.is_dir() and os.access(present, os.W_OK | os.X_OK):
            return Check("home", str(home), Verdict.OK, "will be made at the first start")
        return Check("home", str(home), Verdict.PROBLEM, f"cannot be made in {present}", remedy)
    try:
        with tempfile.TemporaryFile(dir=home):
            return Check("home", str(home), Verdict.OK, "writable")
    except OSError as error:
        return Check("home", str(home), Verdict.PROBLEM, f"not writable: {error.strerror}", remedy)


def inside_container() -> bool:
    """Whether this process runs in a container, by the marks that Docker, Podman and Kubernetes leave."""
    return "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in CONTAINER_MARKS)


def is_loopback(address: str) -> bool:
    """Whether an address points at the machine, or container, that asks."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
