"""Values of options, as typed."""

import argparse
import math
import re


def positive(text: str) -> int:
    """A whole number from 1 on; `1e3` is one, as in a sweep file."""
    value = number(text)
    if not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}")
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(value)


def count_or_list(text: str) -> int | list[int]:
    """A whole number from 1 on, or whole numbers in brackets."""
    if not text.startswith("["):
        return positive(text)
    if not re.fullmatch(r"\[\s*\d+(\s*,\s*\d+)*\s*,?\s*\]", text):
        raise argparse.ArgumentTypeError(f"must be a number or a list of whole numbers such as [0, 1, 7], not {text!r}")
    return [int(digits) for digits in re.findall(r"\d+", text)]


def shard(text: str) -> tuple[int, int]:
    """`I/N` with I from 0 to N - 1."""
    if not re.fullmatch(r"\d+/\d+", text) or not 0 <= int(text.split("/")[0]) < int(text.split("/")[1]):
        raise argparse.ArgumentTypeError(f"must be I/N with I from 0 to N - 1, not {text!r}")
    return int(text.split("/")[0]), int(text.split("/")[1])


def workers(text: str) -> str:
    """`ray`, `ray:N` with N from 1, or `ray:ADDRESS`."""
    if not re.fullmatch(r"ray(:.+)?", text) or re.fullmatch(r"ray:0+", text):
        raise argparse.ArgumentTypeError(f"must be ray, ray:N with N from 1, or ray:ADDRESS, not {text!r}")
    return text


def port(text: str) -> int:
    """A port from 1 to 65535."""
    value = positive(text)
    if value > 65535:
        raise argparse.ArgumentTypeError(f"must be at most 65535, not {text}")
    return value


def seconds(text: str) -> float:
    """A number above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text!r}")
    return value
