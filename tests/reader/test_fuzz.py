"""Whatever stands in a sweep file: a sweep or one message, soon, and in little memory. Nothing else is ever raised."""

import random
import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import read_mapping, sweep_from_mapping
from grokjax.reader.yaml_file import parse, parse_value
from tests.golden.bad_inputs import CHANGES, FILES, GOOD, changed

LONGEST = 20.0  # seconds of one input; the slowest takes a fifth of a second, and processes may be held up
MOST_MEMORY = 600 * 2**20
SEEDS = [GOOD.encode(), *(content if isinstance(content, bytes) else content.encode() for content in FILES.values())]
SEEDS += [changed(title).encode() for title in CHANGES]
SEEDS = [one for one in SEEDS if len(one) < 5000]
WORDS = [b"{", b"}", b"[", b"]", b": ", b", ", b"- ", b"'", b'"', b"|", b">", b"&a ", b"*a", b"!!x ", b"%", b"@", b"`"]
WORDS += [b"\n", b"\t", b"\x00", b"\xff", b"\xe2\x80\xae", b"---\n", b"...\n", b"? ", b"<<: ", b"#", b"1e999", b".nan"]
WORDS += [b"null", b"true", b"~", b"0o7", b"0x", b"-", b"9" * 40, b"kind: ", b"axes: ", b"zip: ", b"{log: [1, 2, 3]}"]


def mutated(draw: random.Random) -> bytes:
    """Two files of the corpus crossed, then up to six edits: words put in, pieces cut, repeated, bytes changed."""
    content = draw.choice([SEEDS[0], draw.choice(SEEDS)])
    if draw.random() < 0.2:
        other = draw.choice(SEEDS)
        content = content[: draw.randrange(len(content) + 1)] + other[draw.randrange(len(other) + 1) :]
    for _ in range(draw.choice([1, 1, 1, 2, 3, 6])):
        at, length = draw.randrange(len(content) + 1), draw.choice([1, 1, 2, 3, 30])
        piece = content[at : at + length]
        kind = draw.choice([0, 1, 2, 3, 3])
        if kind == 0:
            content = content[:at] + draw.choice(WORDS) + content[at:]
        elif kind == 1:
            content = content[:at] + content[at + length :]
        elif kind == 2:
            content = content[:at] + piece * draw.randrange(2, 5) + content[at:]
        else:
            content = (
                content[:at]
                + bytes(draw.choice([draw.randrange(256), *b"0123. "]) for _ in piece[:2])
                + content[at + 2 :]
            )
    return content


def is_sweep(read) -> bool:
    """Whether reading gives a sweep; else it must give a message, and both soon."""
    began = time.monotonic()
    try:
        sweep_from_mapping(read())
        found = ""
    except SpecError as error:
        found = str(error) or "nothing was said"
    assert found != "nothing was said"
    assert time.monotonic() - began < LONGEST
    return not found


def check_mutations(count: int, folder) -> None:
    draw, file, sweeps = random.Random(count), folder / "fuzz.yaml", 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for _ in range(count):
        file.write_bytes(mutated(draw))
        sweeps += is_sweep(lambda: read_mapping(file))
    assert count / 100 < sweeps < count / 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < MOST_MEMORY


def test_a_thousand_mutated_files_give_a_sweep_or_one_message(tmp_path) -> None:
    check_mutations(1000, tmp_path)


@pytest.mark.slow
def test_ninety_thousand_mutated_files_give_a_sweep_or_one_message(tmp_path) -> None:
    check_mutations(90_000, tmp_path)


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([word.decode("latin-1") for word in WORDS] + ["a", " ", "  ", "model"]), max_size=25).map(
        "".join
    ),
)


def check_text(text: str) -> None:
    is_sweep(lambda: parse(text).content)
    try:
        parse_value(text, "key")
    except SpecError as error:
        said = str(error)
        if not said:
            raise AssertionError("nothing was said") from None


@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_any_text_gives_a_sweep_or_one_message(text) -> None:
    check_text(text)


@pytest.mark.slow
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_ten_thousand_texts_give_a_sweep_or_one_message(text) -> None:
    check_text(text)
