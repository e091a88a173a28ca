"""Where does a part come from that is not ours? `kind: "mylab.models:MyNet"` or `kind: "./net.py:MyNet"`.

Named may be: a part class, used as it is; a Flax module for a model; a function that returns an optax transformation
for an optimizer; a plain function for a measure, a regularizer or a task. All but the first become part classes on the
fly, and the same kind always gives the same class.
"""

import dataclasses
import functools
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import flax.linen as nn
from flax import nnx

from grokjax.core.catalogue import KINDS
from grokjax.core.part import Part
from grokjax.reader.errors import blamed, first_line, nearest, suggestion, wrong
from grokjax.reader.sealed import refuse_if_sealed
from grokjax.reader.sources import file_sha256, source_sha256
from grokjax.reader.user_functions import part_from_function
from grokjax.reader.user_models import part_from_linen, part_from_nnx

_FROM_FUNCTIONS = ("optimizers", "measures", "regularizers", "tasks")
_WORDS = {
    "tasks": "a Task part, or a function () that returns a Table or dict(inputs=..., targets=...)",
    "models": "a Model part or a Flax module",
    "losses": "a Loss part",
    "optimizers": "an Optimizer part, or a function that returns an optax.GradientTransformation",
    "regularizers": "a Regularizer part, or a function (params) that returns a scalar penalty",
    "measures": "a Measure part, or a function (view) that returns a dict of arrays",
    "probes": "a Probe part",
}


class Source(NamedTuple):
    """Where a user's part comes from.

    Attributes:
      kind: short text of messages and identity, `mylab.models:MyNet` or `net.py:MyNet`.
      written: what a sweep file anywhere on this machine would say.
      sha256: checksum by which runs name the source file, see `sources`; empty when there is no file.
      file: the source file; None when there is none.
    """

    kind: str
    written: str
    sha256: str
    file: Path | None


_SOURCES: dict[type, Source] = {}  # of classes that a sweep named by file, and of those made here


def user_part(slot: str, kind: str, key: str, folder: Path | None = None) -> type[Part]:
    """The part class that a `kind` with a colon names.

    Args:
      slot: `tasks`, `models`, ...
      kind: `module:Name` or `FILE.py:Name`.
      key: of the `kind`, for messages.
      folder: what a relative file is relative to; the current one when None.
    """
    loaded, source = _named_in(kind, key, folder)
    cls = _as_part(slot, loaded, source, key)
    is_file = kind.rpartition(":")[0].endswith(".py")
    if cls is not loaded or is_file or source.sha256 != _sha256_of(source.file):
        _SOURCES[cls] = source
    return cls


def named_in(kind: str, key: str, folder: Path | None = None) -> Any:
    """The object that a `kind` with a colon names, whatever it is; arguments as of `user_part`."""
    return _named_in(kind, key, folder)[0]


def _named_in(kind: str, key: str, folder: Path | None) -> tuple[Any, Source]:
    refuse_if_sealed(key, "code of somebody's own", kind)
    origin, _, name = kind.rpartition(":")
    is_file = origin.endswith(".py")
    module, source = _from_file(origin, name, key, folder) if is_file else _from_module(origin, name, key)
    loaded = module
    for word in name.split("."):
        if not hasattr(loaded, word):
            raise wrong(key, f"{origin} has no {name!r}", hint=suggestion(word, _public_names(loaded)))
        loaded = getattr(loaded, word)
    return loaded, source


def as_absent(kind: str, cls: type[Part], sha256: str) -> type[Part]:
    """The class of `absent_parts` for a kind, known from now on by the recorded checksum."""
    file, _, name = kind.rpartition(":")
    _SOURCES[cls] = Source(f"{Path(file).name}:{name}", kind, sha256, None)
    return cls


def source_of(cls: type[Part]) -> Source | None:
    """Where a part class comes from; None for the parts of this package."""
    if cls in _SOURCES:
        return _SOURCES[cls]
    if cls.__module__.partition(".")[0] == "grokjax":
        return None
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    file = Path(file) if file and Path(file).is_file() else None
    written = f"{cls.__module__}:{cls.__qualname__}"
    kind = written
    if cls.__module__ == "__main__" and file is not None:
        kind, written = f"{file.name}:{cls.__qualname__}", f"{file.resolve()}:{cls.__qualname__}"
    return Source(kind, written, "" if file is None else file_sha256(file), file)


def kind_of(cls: type[Part]) -> str:
    """The kind as shown to people: of our own parts their short name."""
    source = source_of(cls)
    return cls.kind if source is None else source.kind


def data_sha256(part: type, path: str | Path) -> str:
    """Checksum of the data of a part: of its file, or of all files that its own `files(path)` names, in order."""
    files = part.files(str(path)) if hasattr(part, "files") else [path]
    if len(files) == 1:
        return file_sha256(files[0])
    return hashlib.sha256("".join(file_sha256(file) for file in files).encode()).hexdigest()


def _from_file(path: str, name: str, key: str, folder: Path | None) -> tuple[ModuleType, Source]:
    file = (Path.cwd() if folder is None else Path(folder)) / Path(path).expanduser()
    if not file.is_file():
        beside = sorted(other.name for other in file.parent.glob("*.py"))
        closest = nearest(file.name, beside)
        raise wrong(key, f"no file {path}", hint=f"did you mean {closest!r}?" if closest else "")
    file = file.resolve()
    sha256 = source_sha256(file.name, file)
    # The content is part of the name, so an edited file is a new module and an unedited one is run once.
    digest = hashlib.sha256(f"{file}\0{file_sha256(file)}\0{sha256}".encode()).hexdigest()[:16]
    module_name = f"grokjax_user_{digest}"
    if module_name not in sys.modules:
        described = importlib.util.spec_from_file_location(module_name, file)
        if described is None or described.loader is None:
            raise wrong(key, f"{path} is no Python file")
        module = importlib.util.module_from_spec(described)
        sys.modules[module_name] = module  # dataclasses and pickles look their module up by name
        try:
            described.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[module_name]
            raise _import_failed(path, error, key) from error
    return sys.modules[module_name], Source(f"{file.name}:{name}", f"{file}:{name}", sha256, file)


def _from_module(module_name: str, name: str, key: str) -> tuple[ModuleType, Source]:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module_name):
        raise wrong(key, "an import path reads module:Name or FILE.py:Name", f"{module_name}:{name}")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise _import_failed(module_name, error, key) from error
    file = getattr(module, "__file__", None)
    file = Path(file) if file and Path(file).is_file() else None
    kind = f"{module_name}:{name}"
    return module, Source(kind, kind, "" if file is None else source_sha256(module_name, file), file)


def _sha256_of(file: Path | None) -> str:
    return "" if file is None else file_sha256(file)


def _import_failed(origin: str, error: BaseException, key: str) -> Exception:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename and not frame.filename.startswith("<")]
    last = own[-1] if own and own[-1].filename != __file__ else None
    text = first_line(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == origin.partition(".")[0]:
        return wrong(key, f"there is no module {error.name!r}", hint="install it, or name a file: ./FILE.py:Name")
    if type(error).__name__ not in text:
        text = f"{type(error).__name__}: {text}"
    where = f" ({Path(last.filename).name} line {last.lineno})" if last else ""
    refusal = wrong(key, f"importing {origin} failed: {text}{where}")
    is_one_line = last is not None and "\n" not in str(error).strip()
    return refusal if is_one_line else blamed(refusal, error)


def _public_names(loaded: Any) -> list[str]:
    return [name for name, value in vars(loaded).items() if not name.startswith("_") and callable(value)]


def _as_part(slot: str, loaded: Any, source: Source, key: str) -> type[Part]:
    """The part class of what was found, made now if it is none."""
    if isinstance(loaded, type) and issubclass(loaded, Part):
        return _checked_part(slot, loaded, source, key)
    try:
        if slot == "models" and isinstance(loaded, type) and issubclass(loaded, nn.Module):
            return _made(part_from_linen, loaded, source)
        if slot == "models" and isinstance(loaded, type) and issubclass(loaded, nnx.Module):
            return _made(part_from_nnx, loaded, source)
        if slot in _FROM_FUNCTIONS and callable(loaded) and not isinstance(loaded, type):
            return _made(functools.partial(part_from_function, slot), loaded, source, slot)
    except TypeError as error:
        raise wrong(key, f"{source.kind}: {error}") from None
    raise wrong(key, f"{source.kind} is {_described(loaded)}, expected {_WORDS[slot]}")


_MADE: dict[tuple, type[Part]] = {}


def _made(make: Any, loaded: Any, source: Source, slot: str = "models") -> type[Part]:
    """One class for one object under one kind: tree structures of its instances must be equal."""
    identity = (slot, loaded, source.kind, source.sha256)
    if identity not in _MADE:
        _MADE[identity] = make(loaded, source.kind, source.sha256)
    return _MADE[identity]


def _checked_part(slot: str, cls: type[Part], source: Source, key: str) -> type[Part]:
    if not issubclass(cls, KINDS[slot]):
        raise wrong(key, f"{source.kind} is {_described(cls)}, expected {_WORDS[slot]}")
    if not dataclasses.is_dataclass(cls) or "__dataclass_fields__" not in vars(cls):
        raise wrong(key, f"{source.kind} is no part yet", hint="write @part above the class")
    if hasattr(cls, "__post_init__"):
        raise wrong(key, f"{source.kind} has a __post_init__, which tree operations call with tracers")
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise wrong(key, f"{source.kind} lacks {missing}")
    methods = {name for name, value in vars(KINDS[slot]).items() if inspect.isfunction(value)}
    if hidden := sorted(methods & {field.name for field in dataclasses.fields(cls)}):
        raise wrong(key, f"{source.kind} has a setting {hidden[0]!r}, the name of a method of its kind; rename it")
    return cls


def _described(loaded: Any) -> str:
    if isinstance(loaded, type):
        bases = [name for name, base in KINDS.items() if issubclass(loaded, base)]
        return f"a part of {bases[0]}" if bases else "a class"
    return "a function" if callable(loaded) else f"a {type(loaded).__name__}"
