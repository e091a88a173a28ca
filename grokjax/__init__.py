"""grokjax: train hundreds of grokking runs at once and map memorization against generalization, with honest statistics.

The front door; everything is imported when it is first asked for, so that `import grokjax` costs nothing.
"""

import importlib
from typing import Any

_FRONT_DOOR = {
    "Run": "grokjax.reader.run",
    "Seeds": "grokjax.reader.run",
    "Minibatch": "grokjax.reader.run",
    "Sweep": "grokjax.reader.sweep",
    "load_sweep": "grokjax.drive.trainable",
    "run_sweep": "grokjax.drive.run_sweep",
    "train_sweep": "grokjax.drive.run_sweep",
    "train_one": "grokjax.lab.single",
    "Options": "grokjax.drive.options",
    "open_results": "grokjax.lab.opened",
    "load_compressed": "grokjax.lab.compressed",
    "html_summary": "grokjax.report.html_report",
    "catalogue": "grokjax.core.catalogue",
    "TableTask": "grokjax.core.drawn_task",
    "part": "grokjax.core.part",
    "setting": "grokjax.core.part",
    "Swept": "grokjax.core.part",
    "SweptInt": "grokjax.core.part",
    **dict.fromkeys(
        ("Task", "Table", "Model", "Loss", "Optimizer", "Regularizer", "Measure", "View", "Probe", "Network"),
        "grokjax.core.interfaces",
    ),
}
__all__ = sorted(_FRONT_DOOR)


def __getattr__(name: str) -> Any:
    if name not in _FRONT_DOOR:
        raise AttributeError(f"module 'grokjax' has no attribute {name!r}")
    module, _, attribute = _FRONT_DOOR[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return __all__
