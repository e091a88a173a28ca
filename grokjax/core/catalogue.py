"""Which parts exist. The catalogue is the folder: a new file with one part class in it is a new entry."""

import importlib
import inspect
import pkgutil

from grokjax.core import interfaces
from grokjax.core.part import Part

KINDS: dict[str, type[Part]] = {
    "tasks": interfaces.Task,
    "models": interfaces.Model,
    "losses": interfaces.Loss,
    "optimizers": interfaces.Optimizer,
    "regularizers": interfaces.Regularizer,
    "measures": interfaces.Measure,
    "probes": interfaces.Probe,
}


def catalogue(folder: str) -> dict[str, type[Part]]:
    """Every part of one folder (`tasks`, `models`, ...) by the name used in sweep files, sorted."""
    package = importlib.import_module(f"grokjax.{folder}")
    parts: dict[str, type[Part]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"grokjax.{folder}.{module_info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and issubclass(cls, KINDS[folder]) and not inspect.isabstract(cls):
                parts[cls.kind] = cls
    return dict(sorted(parts.items()))
