"""One bit flipped, or an end cut off, anywhere in a sweep's folder: is it noticed, and does nothing wrong come out?"""

import random
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

import grokjax
from grokjax.store.files import bytes_to_arrays
from grokjax.store.layout import StoreError
from grokjax.store.verification import verify
from tests.store.small_sweep import LANES, copied, typed
from tests.store.sweeps import outcome

Damage = Callable[[bytes, random.Random], bytes]


def flipped(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :]


def truncated(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


@pytest.fixture(scope="module")
def stopped(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep under way: some runs stored, the others in a checkpoint. Only to be read."""
    root = tmp_path_factory.mktemp("stopped") / "out"
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES, "--max-seconds", "0.001") == 75
    assert list(root.glob("checkpoints/*/**/d/*")) and list(root.glob("runs/*.npz")) and (root / "live.npz").exists()
    return root


def is_noticed(root: Path) -> bool:
    try:
        return bool(verify(root)[1])
    except StoreError:
        return True


def is_harmless(victim: Path, before: bytes) -> bool:
    """The lock file's text is for people; of the partial curves only the numbers count, not how they are packed.

    A log that ends early between two lines is what a kill leaves, too; no result depends on it.
    """
    if victim.name == "LOCK":
        return True
    if victim.suffix == ".jsonl":
        left = victim.read_bytes()
        return before.startswith(left) and left.endswith(b"\n")
    if victim.name != "live.npz":
        return False
    old, new = bytes_to_arrays(before), bytes_to_arrays(victim.read_bytes())
    return old.keys() == new.keys() and all(
        np.array_equal(old[name], new[name], equal_nan=old[name].dtype.kind == "f") for name in old
    )


def silent(root: Path, damage: Damage, count: int) -> list[str]:
    """Damage `count` files, one at a time; gives those of which nobody says anything."""
    draw, found = random.Random(count), []
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size)
    large = [path for path in files if path.stat().st_size > 1000]
    for trial in range(count):
        victim = draw.choice(large if trial % 2 else files)  # else nearly all are the many small files of the history
        before = victim.read_bytes()
        victim.write_bytes(damage(before, draw))
        if not is_noticed(root) and not is_harmless(victim, before):
            found.append(victim.relative_to(root).as_posix())
        victim.write_bytes(before)
    return found


def check_nothing_is_silent(folders: list[Path], tmp_path: Path, flips: int, cuts: int) -> None:
    for number, source in enumerate(folders):
        (place := tmp_path / str(number)).mkdir()
        root = copied(source, place)
        assert not is_noticed(root)
        assert silent(root, flipped, flips) == []
        assert silent(root, truncated, cuts) == []


def test_of_a_hundred_flips_and_forty_cuts_none_is_silent(small: Path, stopped: Path, tmp_path: Path) -> None:
    check_nothing_is_silent([small, stopped], tmp_path, flips=50, cuts=20)


@pytest.mark.slow
def test_of_a_thousand_flips_and_four_hundred_cuts_none_is_silent(small: Path, stopped: Path, tmp_path: Path) -> None:
    check_nothing_is_silent([small, stopped], tmp_path, flips=500, cuts=200)


def test_a_head_without_its_newline_is_noticed(small: Path, tmp_path: Path) -> None:
    for name in ("HEAD.json", "HEAD.prev.json"):
        (place := tmp_path / name).mkdir()
        root = copied(small, place)
        (root / name).write_bytes((root / name).read_bytes()[:-1])
        assert is_noticed(root), name


def test_names_that_are_lost_from_the_partial_curves_are_noticed(stopped: Path, tmp_path: Path) -> None:
    """The directory of a .zip has no checksum: a bit of the length of a comment in it, and what follows is skipped."""
    root = copied(stopped, tmp_path)
    content = bytearray((root / "live.npz").read_bytes())
    directory = int.from_bytes(content[-6:-2], "little")
    assert content[directory : directory + 4] == b"PK\x01\x02"
    content[directory + 33] ^= 64  # of the first comment's length, two bytes from 32 on
    (root / "live.npz").write_bytes(content)
    assert is_noticed(root)


def test_an_empty_file_is_noticed_wherever_it_is(small: Path, stopped: Path, tmp_path: Path) -> None:
    for number, source in enumerate((small, stopped)):
        (place := tmp_path / str(number)).mkdir()
        root = copied(source, place)
        for victim in sorted(path for path in root.iterdir() if path.is_file() and path.name != "LOCK"):
            before = victim.read_bytes()
            victim.write_bytes(b"")
            assert is_noticed(root), victim
            victim.write_bytes(before)


@pytest.mark.slow
def test_a_resume_after_a_flip_ends_as_it_should_or_is_refused(
    small: Path, stopped: Path, tmp_path: Path, capsys
) -> None:
    draw = random.Random(11)
    for trial in range(30):
        (place := tmp_path / str(trial)).mkdir()
        root = copied(stopped, place)
        victim = draw.choice(sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size))
        victim.write_bytes(flipped(victim.read_bytes(), draw))
        status = typed("run", small.parent / "sweep.yaml", "--out", root, *LANES)
        said = capsys.readouterr().err
        assert (status == 0 and outcome(root) == outcome(small)) or (status == 5 and victim.name in said), victim
        assert status == 5 or typed("verify", root) == 0, victim


def test_what_a_resume_could_not_use_is_said_logged_and_set_aside(
    small: Path, stopped: Path, tmp_path: Path, capsys
) -> None:
    root = copied(stopped, tmp_path)
    for path in root.glob("checkpoints/*/**/d/*"):
        path.write_bytes(flipped(path.read_bytes(), random.Random(1)))
    run_file = sorted(root.glob("runs/*.npz"))[0]
    run_file.write_bytes(run_file.read_bytes()[:-7])
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    said = capsys.readouterr().err
    assert f"warning: {root}: checkpoint" in said
    assert f"warning: {root}: runs/{run_file.name} is damaged and set aside" in said
    assert [path.name for path in (root / "quarantine").iterdir()] == [f"000001-{run_file.name}"]
    assert outcome(root) == outcome(small)
    assert typed("events", root) == 0
    shown = capsys.readouterr().out
    assert "fell_back" in shown and "quarantined" in shown


@pytest.mark.parametrize("is_finished", [True, False])
def test_damaged_parameters_are_set_aside_and_made_again_when_they_are_asked_for(
    small: Path, stopped: Path, tmp_path: Path, capsys, is_finished: bool
) -> None:
    root = copied(small if is_finished else stopped, tmp_path)
    victims = [sorted(root.glob(f"{kind}/*.npz"))[0] for kind in ("weights", "snapshots")]
    run_id = str(bytes_to_arrays(victims[0].read_bytes())["run_id"][0])
    for victim in victims:
        victim.write_bytes(flipped(victim.read_bytes(), random.Random(2)))
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    said = capsys.readouterr().err
    assert all(f"{victim.parent.name}/{victim.name} is damaged and set aside" in said for victim in victims)
    assert outcome(root) == outcome(small) and typed("verify", root) == 0
    expected = grokjax.open_results(small).params(run_id)
    with pytest.warns(UserWarning, match="no parameters are stored"):
        found = grokjax.open_results(root).params(run_id)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize("missing", [("HEAD.json", "HEAD.prev.json"), ("HEAD.json", "HEAD.prev.json", "events.jsonl")])
def test_a_sweep_whose_heads_are_gone_is_refused_and_never_begun_anew(
    small: Path, tmp_path: Path, capsys, missing
) -> None:
    root = copied(small, tmp_path)
    for name in missing:
        (root / name).unlink()
    before = sorted(path for path in root.rglob("*"))
    for command in (("run", small.parent / "sweep.yaml", "--out", root), ("status", root), ("verify", root)):
        assert typed(*command) == 5
        assert "nothing says what is committed" in capsys.readouterr().err
    assert sorted(path for path in root.rglob("*")) == before


def test_a_missing_head_is_not_passed_over_in_silence(small: Path, tmp_path: Path, capsys) -> None:
    root = copied(small, tmp_path)
    (root / "HEAD.json").unlink()
    assert typed("table", root) == 0
    assert "HEAD.prev.json is used, since HEAD.json is missing" in capsys.readouterr().err
    assert typed("verify", root) == 5


def test_damaged_lines_of_a_log_are_set_aside_and_the_others_kept(
    stopped: Path, small: Path, tmp_path: Path, capsys
) -> None:
    root = copied(stopped, tmp_path)
    log = root / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0], lines[1].replace(b"crc32c", b"crc32b"), *lines[2:], b'{"torn": ']))
    assert typed("verify", root) == 5
    assert "events.jsonl is damaged in line 2" in capsys.readouterr().err
    assert typed("run", small.parent / "sweep.yaml", "--out", root, *LANES) == 0
    assert "events.jsonl has 2 damaged or torn lines" in capsys.readouterr().err
    kept = log.read_bytes().splitlines(keepends=True)
    assert kept[: len(lines) - 1] == [lines[0], *lines[2:]]
    assert typed("verify", root) == 0
