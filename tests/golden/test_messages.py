"""Is every bad input answered by one message that a person has read, from the command line and from Python alike?

The messages are in messages.txt, in the order of bad_inputs.py; `make golden` writes it again.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from grokjax import load_sweep
from grokjax.reader.errors import SpecError
from tests.golden.bad_inputs import CHANGES, FILES, WORDS, changed, lay_out, write
from tests.store.small_sweep import typed

GOLDEN = Path(__file__).with_name("messages.txt")
CONFLICT = ("a folder that is no sweep", "an empty folder", "nothing to extend")
NO_DEVICE = ("a device that is not there", "more devices than there are")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    lay_out(folder)
    os.mkfifo(folder / "pipe.yaml")
    np.savez(folder / "pickled.npz", inputs=np.array([{}], object), targets=np.zeros(1, int))
    return folder


@pytest.fixture
def answer(place: Path, monkeypatch, capsys):
    """What the command line answers, inside the folder; nothing may be left behind."""
    monkeypatch.chdir(place)
    (place / "bad.yaml").unlink(missing_ok=True)

    def ask(*words: str) -> tuple[int, str]:
        before = sorted(place.rglob("*"))
        capsys.readouterr()
        status = typed(*words)
        assert sorted(place.rglob("*")) == before, "something was written"
        said = capsys.readouterr().err.replace(str(place), "HERE")
        return status, said

    return ask


def check(title: str, status: int, said: str) -> None:
    """One message of few lines, none of them a traceback, the same as a person has read."""
    expected = 5 if title in CONFLICT else 6 if title in NO_DEVICE else 2
    lines = said.splitlines()
    assert status == expected, said
    assert lines and lines[0].startswith("grokjax: error: ") and len(lines) <= 3 and "Traceback" not in said, said
    assert all(len(line) < 500 for line in lines)
    record(title, said)


def record(title: str, said: str) -> None:
    golden = read_golden()
    if os.environ.get("UPDATE_GOLDEN"):
        golden[title] = said
        order = [*FILES, *CHANGES, *WORDS]
        entries = [f"## {one}\n{golden[one]}" for one in order if one in golden]
        GOLDEN.write_text("\n".join(entries))
    assert golden.get(title) == said


def read_golden() -> dict[str, str]:
    if not GOLDEN.exists():
        return {}
    entries = ("\n" + GOLDEN.read_text()).split("\n## ")[1:]
    return {title: text.rstrip("\n") + "\n" for title, _, text in (entry.partition("\n") for entry in entries)}


@pytest.mark.parametrize("title", [*FILES, *CHANGES])
def test_a_bad_file_gives_one_message_in_both_spellings(title: str, place: Path, answer) -> None:
    write(place / "bad.yaml", FILES[title] if title in FILES else changed(title))
    status, said = answer("plan", "bad.yaml", "--no-probe")
    check(title, status, said)
    with pytest.raises(SpecError) as caught:
        load_sweep("bad.yaml")
    assert str(caught.value).replace(str(place), "HERE") == said.removeprefix("grokjax: error: ").rstrip("\n")


@pytest.mark.parametrize("title", WORDS)
def test_bad_words_give_one_message(title: str, answer) -> None:
    check(title, *answer(*WORDS[title]))


def test_every_message_is_of_an_entry_and_every_entry_has_one() -> None:
    assert list(read_golden()) == [*FILES, *CHANGES, *WORDS]
