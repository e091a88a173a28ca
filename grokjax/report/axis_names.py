"""What do papers call a setting? Beside an axis of a figure its path would be read as code."""

_WORDS = {
    "weight_decay": "weight decay",
    "learning_rate": "learning rate",
    "train_fraction": "train fraction",
    "label_noise": "label noise",
    "init_scale": "initialization scale",
    "dropout": "dropout rate",
    "modulus": "modulus p",
    "width": "width",
    "depth": "depth",
    "layers": "layers",
    "heads": "attention heads",
    "warmup": "warm-up (updates)",
    "strength": "penalty strength",
    "momentum": "momentum",
    "operation": "operation",
    "activation": "activation",
}


def paper_name(path: str) -> str:
    """The paper's words for a dotted path: `weight decay`; the path itself where no words are known."""
    return _WORDS.get(path.rpartition(".")[2], path)


def paper_names(paths: tuple[str, ...]) -> dict[str, str]:
    """Names of several axes; paths where two would be called the same."""
    names = {path: paper_name(path) for path in paths}
    return {path: name if list(names.values()).count(name) == 1 else path for path, name in names.items()}
