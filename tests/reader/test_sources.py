"""Is a source file the recorded program exactly when nothing that a computer sees has changed?"""

from pathlib import Path

import pytest

from grokjax.reader.build import build_part
from grokjax.reader.file_paths import found_from, relative_to, with_paths
from grokjax.reader.sources import is_same_program, recorded, source_text
from grokjax.reader.user_parts import source_of

TEXT = '''"""Of a file."""
import optax


def f(learning_rate=0.1):
    """Of a function."""
    return optax.sgd(learning_rate)
'''


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("import optax\n", "import optax  # the library\n\n\n", True),
        ("Of a file", "Of another file", True),
        ('    """Of a function."""\n', "", True),
        ("(learning_rate)\n", "(\n        learning_rate,\n    )\n", True),
        ("0.1", "0.10", True),
        ("0.1", "0.2", False),
        ("sgd(learning_rate)", "sgd(learning_rate, 0.9)", False),
        ("import optax", "import optax as optax", False),
        ("import optax", "import optax, sys", False),
        ("return", "retrun", False),
    ],
)
def test_only_what_a_computer_sees_makes_another_program(old, new, is_same):
    assert old in TEXT
    assert is_same_program(TEXT, TEXT.replace(old, new)) is is_same


def test_a_docstring_counts_where_the_program_reads_it():
    reads = TEXT + "rate = float(f.__doc__ == 'a')\n"
    assert not is_same_program(reads, reads.replace("Of a function", "Of another"))


def test_texts_that_are_not_known_are_never_the_same_program():
    assert not is_same_program("", "") and not is_same_program("", "a = 1")


def test_a_file_goes_by_the_recorded_checksum_only_while_it_is_known_and_the_same(tmp_path):
    file = tmp_path / "opt.py"
    file.write_text(TEXT)

    def checksum():
        return source_of(type(build_part("optimizers", "./opt.py:f", "optimizer", tmp_path))).sha256

    first = checksum()
    records = [{"name": "opt.py", "sha256": first, "text": source_text(file)}]
    file.write_text(TEXT + "# a comment\n")
    assert checksum() != first
    with recorded(records):
        assert checksum() == first
    with recorded([{**records[0], "name": "other.py"}]):
        assert checksum() != first
    file.write_text(TEXT.replace("0.1", "0.2"))
    with recorded(records):
        assert checksum() != first


def test_paths_lead_back_from_the_folder_after_all_moved_and_to_the_old_place_when_the_folder_alone_did(tmp_path):
    code, root = tmp_path / "old" / "net.py", tmp_path / "old" / "results" / "a"
    root.mkdir(parents=True)
    code.write_text("")
    way = relative_to(root, str(code))
    assert way == "../../net.py"
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tmp_path / "new" / "results" / "a"
    assert found_from(moved, way, {way: str(code)}) == str(tmp_path / "new" / "net.py")
    code.parent.mkdir()
    (tmp_path / "new" / "net.py").rename(code)
    assert found_from(moved, way, {way: str(code)}) == str(code)
    assert relative_to(Path("/somewhere"), "/elsewhere/net.py") == "/elsewhere/net.py"


def test_every_path_of_a_sweep_is_changed_and_nothing_else():
    sweep = {
        "task": {"kind": "npz", "path": "d.npz"},
        "model": {"kind": "net.py:Net", "name": "a.py"},
        "optimizer": {"kind": "grouped", "rest": {"kind": "./o.py:f"}},
        "init": {"from": "first#0123", "step": 3},
        "axes": {"init.from": ["first#0123", "second#4567"], "model": ["./net.py:Net", "mlp"]},
        "measure": {"what": ["fit", "/abs/m.py:far"]},
        "notes": "see a.py: there",
    }
    assert with_paths(sweep, lambda path, leads_to: f"<{leads_to} {path}>") == {
        "task": {"kind": "npz", "path": "<path d.npz>"},
        "model": {"kind": "<kind net.py>:Net", "name": "a.py"},
        "optimizer": {"kind": "grouped", "rest": {"kind": "<kind ./o.py>:f"}},
        "init": {"from": "<from first>#0123", "step": 3},
        "axes": {"init.from": ["<from first>#0123", "<from second>#4567"], "model": ["<kind ./net.py>:Net", "mlp"]},
        "measure": {"what": ["fit", "<kind /abs/m.py>:far"]},
        "notes": "see a.py: there",
    }
