"""Numbers as people read them: sizes with units, counts with separators, bars."""

_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size(count: int) -> str:
    """Bytes with a unit, three digits or so: `48 B`, `1.5 KiB`, `312 MiB`."""
    for scale, unit in _UNITS:
        if count >= scale - scale // 2048:  # 1023.5 KiB would round to "1024 KiB"
            number = count / scale
            digits = 0 if number >= 99.95 else 1
            return f"{number:.{digits}f} {unit}"
    return f"{count} B"


def number(count: int) -> str:
    """A count with separators: `10,000,000`."""
    return f"{count:,}"


def counted(count: int, word: str, many: str = "") -> str:
    """`1 object`, `2,000 objects`."""
    return f"{number(count)} {word if count == 1 else many or word + 's'}"


def address(value: int) -> str:
    return f"{value:#x}"


_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(part: int, whole: int, width: int, ascii_only: bool) -> str:
    """A bar `width` cells wide at part == whole; anything above zero shows something."""
    if whole <= 0 or part <= 0:
        return ""
    if ascii_only:
        return "#" * max(1, min(width, round(part * width / whole)))
    eighths = max(1, min(width * 8, round(part * width * 8 / whole)))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def gauge(part: int, whole: int, width: int, ascii_only: bool) -> str:
    """An occupancy bar with its empty part drawn."""
    filled, empty = ("#", ".") if ascii_only else ("█", "░")
    cells = 0 if whole <= 0 else min(width, round(part * width / whole))
    if part > 0:
        cells = max(1, cells)
    if part < whole:
        cells = min(cells, width - 1)
    return filled * cells + empty * (width - cells)


def percent(part: int, whole: int) -> str:
    """`0 %` and `100 %` are said only where they are exact."""
    if whole <= 0:
        return "-"
    share = 100 * part / whole
    if part not in (0, whole) and not 1 <= share <= 99:
        return "<1 %" if share < 1 else ">99 %"
    return f"{share:.0f} %"
