"""A report as a neutral page; `markdown`, `html` and `text` render it, its text letter by letter, never as markup."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tradeops.domain.health import Severity

MARKS = {Severity.HEALTHY: "✓", Severity.DEGRADED: "▲", Severity.CRITICAL: "✗"}  # no emoji: not every browser has them
NO_VERDICT = "○"


@dataclass(frozen=True, slots=True)
class Strong:
    """A piece of a line that stands out."""

    text: str


Line: TypeAlias = str | Strong | tuple[str | Strong, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph."""

    line: Line


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; an empty one shows nothing."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: its heading.
        align: numbers go right.
        width: the most characters of a line in it; longer cells break into several. `None` leaves it to the renderer,
            which breaks words where the whole table would be too wide.
    """

    name: str
    align: Literal["left", "right"] = "left"
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows; a table without rows shows its headings alone.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in a table of {len(self.columns)} columns: {row}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, with what it says in words for those who cannot see it.

    Attributes:
        data: the file.
        media_type: of the file.
        alt: what it shows, figures included; it stands in for the picture in plain text.
    """

    data: bytes
    media_type: Literal["image/svg+xml", "image/png"]
    alt: str


Block: TypeAlias = Heading | Text | Bullets | Table | Picture


@dataclass(frozen=True, slots=True)
class Page:
    """One report.

    Attributes:
        title: the verdict in one line.
        severity: shown as a mark before the title; `None` is "no verdict" (too little data).
        blocks: from top to bottom.
    """

    title: str
    severity: Severity | None
    blocks: tuple[Block, ...]

    @property
    def headline(self) -> str:
        """The title behind the mark of its severity."""
        return f"{NO_VERDICT if self.severity is None else MARKS[self.severity]} {self.title}"


def spans(line: Line) -> tuple[str | Strong, ...]:
    """The pieces of a line."""
    return line if isinstance(line, tuple) else (line,)
