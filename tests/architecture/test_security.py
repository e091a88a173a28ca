"""Is there no way from what a stranger wrote to code that runs here?"""

import ast
import pickle
from pathlib import Path

import pytest

from tests.store.small_sweep import LANES, copied, small, typed

__all__ = ["small"]
ROOT = Path(__file__).parents[2]
SOURCE = sorted((ROOT / "grokjax").rglob("*.py"))
MODULES = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "http", "socketserver", "xmlrpc", "asyncio"}
CALLS = {"eval", "exec", "compile", "system", "popen", "bind", "listen", "create_server", "extractall", "load_module"}
ALLOWED = {"grokjax/page/server.py": ["bind", "listen"]}
"""The one port: of this machine alone, by `tests/cli/test_paging.py`, and guarded, by `tests/page/test_guard.py`."""
READERS = ("status", "table", "phases", "verify", "events")


def dangers(text: str) -> list[str]:
    """Imports and calls that could run or serve what somebody else wrote."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [str(node.module)] if str(node.module).split(".")[0] in MODULES else []
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            is_ours = isinstance(node.func, ast.Attribute) and name in ("compile", "eval")  # methods, not the builtins
            found += [name] if name in CALLS and not is_ours else []
            given = {word.arg: word.value for word in node.keywords}
            if name == "load" and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "np":
                refuses = isinstance(given.get("allow_pickle"), ast.Constant) and given["allow_pickle"].value is False
                found += [] if refuses else ["np.load without allow_pickle=False"]
            if isinstance(given.get("shell"), ast.Constant) and given["shell"].value:
                found.append("shell=True")
    return found


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: path.name)
def test_no_file_can_run_or_serve_what_it_reads(path: Path) -> None:
    assert dangers(path.read_text()) == ALLOWED.get(str(path.relative_to(ROOT)), [])


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from http.server import HTTPServer", "eval('1')", "np.load('a.npy')", "os.system('true')",
     "socket.socket().bind(('', 1))", "subprocess.run('true', shell=True)", "np.load('a', allow_pickle=True)"],
)  # fmt: skip
def test_a_danger_is_found(line: str) -> None:
    assert dangers(line)


OWN = """
from pathlib import Path

import flax.linen as nn

with open(Path(__file__).with_name("imported"), "a") as file:
    file.write("x")


class Net(nn.Module):
    @nn.compact
    def __call__(self, inputs):
        return nn.Dense(7)(inputs.reshape(inputs.shape[0], -1).astype("float32"))
"""


def test_reading_a_strangers_folder_runs_none_of_its_code_and_unpickles_nothing(
    small: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "net.py").write_text(OWN)
    text = (small.parent / "sweep.yaml").read_text()
    model = "model: {kind: mlp, activation: square, width: 16}"
    assert model in text
    (tmp_path / "sweep.yaml").write_text(text.replace(model, 'model: "./net.py:Net"'))
    root = tmp_path / "out"
    assert typed("run", tmp_path / "sweep.yaml", "--out", root, *LANES) == 0
    imported = (tmp_path / "imported").read_bytes()
    assert imported

    def refuse(*_, **__):
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    (tmp_path / "net.py").write_text("raise SystemExit('code of a stranger ran')")
    for command in READERS:
        assert typed(command, root) == 0, command
    assert (tmp_path / "imported").read_bytes() == imported
    assert typed("status", copied(root, tmp_path)) == 0
