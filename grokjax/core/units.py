"""Sizes as people read them."""


def bytes_text(count: float) -> str:
    """Bytes in decimal units, to three digits: `512 B`, `1.25 MB`."""
    units = ("B", "kB", "MB", "GB", "TB")
    index = 0
    while count >= 999.5 and index < len(units) - 1:
        count, index = count / 1000, index + 1
    return f"{count:.3g} {units[index]}"
