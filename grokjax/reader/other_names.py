"""What do other libraries call our parts? Spelling alone would send `adam` to `adamw`, which is another optimizer."""

_OF_OPTAX = (
    "adadelta", "adafactor", "adagrad", "adabelief", "adamax", "adan", "amsgrad", "lamb", "lars", "nadam",
    "nadamw", "novograd", "radam", "rmsprop", "rprop", "sm3", "yogi",
)  # fmt: skip
_OPTIMIZERS = {
    ("adam",): "adam_l2 is PyTorch's Adam, whose weight_decay is normalised with the gradient; adamw decouples it; "
    "without decay they are equal",
    ("momentum", "sgdm", "sgdmomentum", "sgdwithmomentum", "heavyball"): "it is sgd with momentum: 0.9",
    ("nesterov", "nag"): "it is sgd with momentum: 0.9 and nesterov: true",
    ("gd", "descent", "gradientdescent", "fullbatchgd"): "it is sgd with the full train set, which is the default",
    (
        "orthograd",
        "perpgrad",
        "perpadamw",
        "perpadam",
        "orthoadamw",
        "perpendicularadamw",
    ): "it is adamw (or sgd) beside the regularizer perpendicular_gradient",
    ("sam",): "it is a regularizer beside any optimizer, adamw say",
    ("grokfast", "grokfastema", "grokfastma"): "it is a regularizer beside any optimizer; theirs is adam_l2",
    **{(name,): f'write kind: "optax:{name}"' for name in _OF_OPTAX},
}
_LOSSES = {
    ("ce", "xent", "crossentropyloss", "softmax", "softmaxcrossentropy", "categoricalcrossentropy", "logloss",
     "softmaxcrossentropywithintegerlabels", "sparsecategoricalcrossentropy"):
    "it is cross_entropy, of outputs before the softmax; PyTorch's arithmetic is its form: plain",
    ("nll", "nllloss", "negativeloglikelihood"): "cross_entropy is that of the log softmax, which it takes itself",
    ("bce", "bceloss", "binarycrossentropy", "bcewithlogitsloss", "sigmoid"):
    "it is logistic, of each output by itself; cross_entropy over two classes is that of the difference of two outputs",
    ("l2", "l2loss", "mseloss", "meansquarederror", "squarederror", "quadratic"):
    "it is mse, averaged over outputs; classes become one-hot vectors",
    ("rmse", "msle", "mae"): "none here; mse is the mean of the squares; write your own as ./FILE.py:Name",
}  # fmt: skip
_MODELS = {
    ("fc", "fcn", "fcnn", "dense", "feedforward", "ffn", "fnn", "nn", "dnn", "perceptron", "multilayerperceptron"):
    "it is mlp, with `depth` hidden layers of `width` units",
    ("embeddingmlp", "mlpembedding"): "it is mlp with encoding: concatenated or summed",
    ("quadratic", "quadraticmlp", "mlpquadratic"): "it is mlp with activation: square",
    ("gpt", "gpt2", "nanogpt", "minigpt", "lm", "transformerlm", "languagemodel", "decoder", "transformerdecoder",
     "attention", "hookedtransformer"):
    "it is transformer, a causal decoder; `layers`, `norm` and `activation` say which",
    ("encoder", "bert", "transformerencoder"): "it is transformer with causal: false",
    ("conv", "convnet", "convolutional", "lenet", "cnn2d"): "it is cnn",
    ("logistic", "logisticregression", "linearregression", "softmaxregression", "regression"):
    "it is linear; the loss says which regression",
}  # fmt: skip
_TASKS = {
    ("modadd", "modularaddition", "addition", "modp", "addmod", "add"): "it is modular_arithmetic with operation: x+y",
    ("modmul", "modularmultiplication", "multiplication", "mul"): "it is modular_arithmetic with operation: x*y",
    ("moddiv", "modulardivision", "division", "div"): "it is modular_arithmetic with operation: x/y",
    ("modsub", "modularsubtraction", "subtraction", "sub"): "it is modular_arithmetic with operation: x-y",
    ("s5", "s3", "s4", "permutation", "permutations", "symmetricgroup", "permutationgroup", "group"):
    "it is group_product with group: S5",
    ("parity", "kparity", "nkparity"): "it is sparse_parity, the parity of `relevant` of `bits` bits",
    ("npz", "numpy", "file", "csv", "dataset", "custom"): "it is arrays with path: FILE.npz",
}  # fmt: skip
_REGULARIZERS = {
    ("weightdecay", "wd"): "weight_decay is a setting of the optimizer; l2 adds it to the loss, which adamw does not",
    ("lasso",): "it is l1",
    ("ridge", "tikhonov"): "it is l2, with half its strength as the factor of the sum of squares",
    ("dropout",): "it is a setting of the model: dropout",
    ("gradclip", "clipgrad", "clipgradnorm", "gradientclipping", "clipbyglobalnorm", "clipnorm"):
    "it is clip, by the norm of the whole gradient",
    ("grokfast", "gradfilter", "gradfilterema", "gradfilterma"):
    "grokfast_ema filters gradients by an exponential mean, grokfast_ma by that of a window",
    ("orthograd", "perpgrad", "orthogonalgradient", "projectedgradient"): "it is perpendicular_gradient",
    ("sharpnessawareminimization", "asam"): "sam is the one of Foret et al.",
    ("gaussiannoise", "noise", "parameternoise", "langevin"):
    "weight_noise is for the gradient of an update only; what update_noise adds stays in the weights",
}  # fmt: skip
_MEASURES = {
    ("accuracy", "acc", "loss", "trainloss", "testloss", "trainaccuracy", "testaccuracy"):
    "fit gives losses and right answers of every group, and is always measured",
    ("norm", "l2norm", "paramnorm", "parameternorm", "weightsnorm"): "it is weight_norm",
    ("gradnorm", "gradientnorm", "gradient"): "it is gradient_norm, of the train loss without penalties",
    ("sharpness", "topeigenvalue", "lambdamax"): "hessian gives the largest eigenvalue by power iteration",
}  # fmt: skip
_PROBES = {
    ("mdl", "complexity", "kolmogorov", "compression", "bzip2", "gzip", "minimumdescriptionlength"):
    "description_length codes a coarse network by entropy and bzip2",
}  # fmt: skip
_SLOTS = {
    "optimizers": _OPTIMIZERS, "losses": _LOSSES, "models": _MODELS,
    "tasks": _TASKS, "regularizers": _REGULARIZERS, "measures": _MEASURES, "probes": _PROBES,
}  # fmt: skip
OUR_NAMES = {slot: {name: meant for names, meant in table.items() for name in names} for slot, table in _SLOTS.items()}
"""Kind of part -> what others call it, letters and digits only -> what to write here, and how the two differ."""


def our_name(slot: str, name: str) -> str:
    """What to write for a kind that another library knows by this name; empty when none does."""
    plain = "".join(letter for letter in name.rpartition(".")[2].lower() if letter.isalnum())
    return OUR_NAMES[slot].get(plain, "")
