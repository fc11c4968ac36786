"""Writes a bulk analysis as a file for a spreadsheet or a notebook."""

import os
from importlib.util import find_spec
from pathlib import Path

from tradeops.domain.bulk.report import BulkReport
from tradeops.errors import MisconfiguredError, RejectedError

KINDS = (".csv", ".parquet")
FOLDER = "exports"


def checked(name: str, home: Path) -> Path | None:
    """Where a run may write: a file of that name in `exports` under TRADEOPS_HOME; `None` for no name.

    Raises:
        RejectedError: another kind of file, or a name with a folder in it.
    """
    if not name:
        return None
    path = Path(name)
    if path.name != name or name.startswith("."):
        problem = f"{name!r} is no name of a file"
        raise RejectedError("export", problem, remedy=f"files go to {FOLDER} in TRADEOPS_HOME: give a name alone")
    return checked_kind(home / FOLDER / name)


def checked_kind(path: Path) -> Path:
    """The path, where the file can be written.

    Raises:
        RejectedError: neither .csv nor .parquet.
        MisconfiguredError: Parquet without pyarrow.
    """
    if path.suffix not in KINDS:
        raise RejectedError("export", f"{path.name!r} is neither .csv nor .parquet", remedy="name it analysis.csv")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        remedy = "install tradeops[research], or export .csv"
        raise MisconfiguredError("export", "Parquet needs pyarrow", remedy=remedy)
    return path


def write(report: BulkReport, path: Path) -> None:
    """All symbols, the most confident first, those that failed last with their error; a file there is replaced whole.

    Raises:
        MisconfiguredError: it cannot be written.
    """
    import pandas as pd  # noqa: PLC0415 - only exports pay for it

    rows = [
        {
            "symbol": one.symbol,
            "signal": one.signal.value,
            "confidence": one.confidence,
            "price": one.price,
            "rsi": one.rsi,
            "macd": one.macd,
            "macd_signal": one.macd_signal,
            "macd_histogram": one.macd_histogram,
            "change_percent": one.change_percent,
            "as_of": one.as_of,
            "error": None,
        }
        for one in report.analyses
    ]
    frame = pd.DataFrame([*rows, *({"symbol": symbol, "error": why} for symbol, why in report.failed.items())])
    frame["error"] = frame["error"].astype("string")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame.to_parquet(part, index=False)
        else:
            frame.to_csv(part, index=False)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MisconfiguredError("export", f"{path.name} cannot be written: {error.strerror}") from None
