"""Does `reproduce` judge what a sweep claims, whole or in part, and say so when there is nothing to judge?"""

import pytest

from grokjax import open_results
from grokjax.cli.sweep_names import read_sweep
from grokjax.core.data_warning import DataWarning
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from tests.store.small_sweep import LANES, SMALL, copied, typed

DIVERGES = "probability(diverged, weight_decay=1, learning_rate=1e30) > 0.5"
CLAIM = f"claims:\n  - name: a large rate diverges\n    that: {DIVERGES}\n"


@pytest.fixture
def trained(small, tmp_path):
    """The finished sweep in a folder that may be written to."""
    return copied(small, tmp_path)


def written(folder, text):
    (folder / "sweep.yaml").write_text(text)
    return folder / "sweep.yaml"


def test_a_file_without_claims_says_so_and_what_to_do(trained, tmp_path, capsys):
    path = written(tmp_path, SMALL)
    assert typed("reproduce", path, "--out", trained, *LANES) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{path} states no claims") and said.count("\n") == 1
    assert "`claims:`" in said and f"grokjax phases {trained}" in said


def test_claims_written_after_training_are_judged_without_training_again(trained, tmp_path, capsys):
    before = (trained / "table.csv").read_bytes(), (trained / "events.jsonl").read_text().count('"ended"')
    assert typed("reproduce", written(tmp_path, SMALL + CLAIM), "--out", trained, *LANES) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "small, in full: 12 of 12 runs finished"
    assert lines[2:4] == ["a large rate diverges", f"  claim     {DIVERGES}"]
    assert lines[-1] == "claims: 0 hold, 0 fail, 1 undecided"
    assert ((trained / "table.csv").read_bytes(), (trained / "events.jsonl").read_text().count('"ended"')) == before
    results = open_results(trained)
    assert results.is_complete and results.spec["claims"][0]["that"] == DIVERGES
    assert typed("verify", trained) == 0


def test_another_sweep_is_still_refused_when_its_claims_differ_too(trained, tmp_path, capsys):
    assert typed("run", written(tmp_path, SMALL.replace("seeds: 2", "seeds: 3") + CLAIM), "--out", trained) == 5
    assert "holds another sweep" in capsys.readouterr().err


def test_a_sweep_out_of_time_is_judged_as_a_part(tmp_path, capsys):
    path = written(tmp_path, SMALL + CLAIM + f"  - name: again\n    that: {DIVERGES}\n")
    assert typed("reproduce", path, "--out", tmp_path / "out", "--max-seconds", "0.001", *LANES) == 75
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("small, in full: PARTIAL, ") and lines[0].endswith(" of 12 runs finished")
    assert lines[-1] == "claims: 0 hold, 0 fail, 2 undecided" and "nan" not in "\n".join(lines)


def test_the_scale_that_was_trained_is_named_and_its_claims_are_judged(trained, tmp_path, capsys):
    text = SMALL.replace("seeds: 2", "seeds: 9").replace("name: small", "name: large")
    scale = f"scales:\n  tiny:\n    name: small\n    seeds: 2\n    {CLAIM.replace(chr(10), chr(10) + '    ')}\n"
    full = "claims: [{name: in full, that: 'median(test/loss) > 0', over: [learning_rate, weight_decay]}]\n"
    full = full.replace("learning_rate, weight_decay", "optimizer.learning_rate, optimizer.weight_decay")
    path = written(tmp_path, text + full + scale)
    assert typed("reproduce", path, "--scale", "tiny", "--out", trained, *LANES) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "small, scale tiny: 12 of 12 runs finished" and "a large rate diverges" in lines
    assert "in full" not in lines


def test_claims_that_a_scale_cannot_decide_are_refused_with_the_way_out(tmp_path):
    path = written(tmp_path, SMALL + CLAIM + "scales: {tiny: {axes: {optimizer.weight_decay: [0.1]}}}\n")
    with pytest.raises(SpecError, match=r"sweep\.yaml:\d+: claims.0.that: .*weight_decay=1 .*the scale 'tiny' may"):
        read_sweep(path, (), "tiny")


def test_settings_typed_over_a_file_may_leave_its_claims_undecided(tmp_path):
    path = written(tmp_path, SMALL + CLAIM)
    typed_over = "axes.optimizer.weight_decay=[0.1]"
    said = r"with --set, no run can decide .*\n.*claims\.0\.that: claim 'a large rate diverges': weight_decay=1 is"
    with pytest.warns(DataWarning, match=said):
        assert read_sweep(path, [typed_over]).num_cells == 2
    for overrides in (["name=other", "claims.0.that=probability(groking) > 0"], ["claims.0.that=1 > 0"]):
        with pytest.raises(SpecError, match="claims.0.that"):
            read_sweep(path, overrides)


def test_claims_stay_with_the_file_that_states_them(tmp_path):
    written(tmp_path, SMALL + CLAIM)
    (tmp_path / "above.yaml").write_text("from: sweep.yaml\nseeds: 3\n")
    assert load(tmp_path / "sweep.yaml").claims and not load(tmp_path / "above.yaml").claims
