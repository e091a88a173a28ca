"""A folder of an older grokjax, to which a setting meant something else: read as ever, but nothing is mixed into it."""

import pytest

from grokjax.lab.opened import open_results
from grokjax.reader.run_settings import Precision
from tests.store.small_sweep import LANES, SMALL, copied, typed


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Folder of a sweep with bf16 products whose run ids are those of before; `sweep.yaml` beside it."""
    place = tmp_path_factory.mktemp("revised")
    text = SMALL.replace("steps: 100", "steps: 20").replace("weights: 50\n", "precision: {matmul: bf16}\n")
    (place / "sweep.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as then:
        then.setattr(Precision, "revision_used", lambda precision: 1)
        assert typed("run", place / "sweep.yaml", "--out", place / "old", *LANES) == 0
    return place / "old"


def test_it_is_read_as_ever(old, tmp_path, capsys):
    results = open_results(old)
    run_id = results.runs["run_id"].iloc[0]
    assert len(results.runs) == 12 and "hidden_0" in results.params(run_id)
    for words in (("table", old), ("phases", old), ("status", old), ("verify", old)):
        assert typed(*words) == 0
    assert typed("export", old, run_id, "--format", "npz", "--out", tmp_path / "weights.npz") == 0


@pytest.mark.parametrize("command", ["run", "run its spec", "extend", "replay", "measure", "logits"])
def test_going_on_with_it_is_refused_in_one_message(old, capsys, command):
    run_id = open_results(old).runs["run_id"].iloc[0]
    head = (old / "HEAD.json").read_bytes()
    words = {
        "run": ("run", old.parent / "sweep.yaml", "--out", old),
        "run its spec": ("run", old / "spec.yaml", "--out", old),
        "extend": ("extend", old, "--seeds", 3),
        "replay": ("replay", old, run_id),
        "measure": ("measure", old, "--what", "weight_norm", "--step", "last"),
    }
    if command == "logits":
        with pytest.raises(Exception, match="meant something else"):
            open_results(old).logits(run_id)
    else:
        assert typed(*words[command]) == 5
        said = capsys.readouterr().err
        assert said.count("grokjax: error") == 1 and len(said.splitlines()) == 1
        assert "trained by an older grokjax, to which precision: {matmul: bf16} meant something else" in said
        assert f"give another --out, or let `grokjax extend {old} --retrain`" in said
    assert (old / "HEAD.json").read_bytes() == head


def test_it_can_be_trained_anew_and_shows_no_old_run_then(old, tmp_path):
    root = copied(old, tmp_path)
    before = set(open_results(root).runs["run_id"])
    assert typed("extend", root, "--retrain", *LANES) == 0
    after = set(open_results(root).runs["run_id"])
    assert len(after) == 12 and not after & before
