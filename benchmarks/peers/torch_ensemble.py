"""PyTorch's own way to train many networks at once: `torch.func`, with a stacked AdamW written for it.

    python -m benchmarks.peers.torch_ensemble START --runs 8 [--threads 2] [--compiled] [--device cuda]

Learning rate and weight decay are tensors [run], as a sweep over them needs.
"""

import copy
import time
from abc import ABC, abstractmethod

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from benchmarks.peers.networks import build, examples, loss_of
from benchmarks.peers.start import Start, read_start
from benchmarks.peers.torch_loop import finish, parser_of, set_up
from benchmarks.rig.protocol import serve

Params = dict[str, torch.Tensor]


class Together(ABC):
    """Networks of one shape that are trained together, each with data of its own; what is left open is one update.

    Attributes:
      inputs, targets: [run, example, ...].
    """

    def __init__(self, start: Start, runs: int, device: str):
        inputs, targets, self.first_batches = examples(start, device)
        self.inputs, self.targets = (_repeated(tensor, runs) for tensor in (inputs, targets))
        self.runs, self.minibatch = runs, start.minibatch

    @abstractmethod
    def update(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """One update of every run from its examples [run, example, ...]; losses [run] before it."""

    def first_losses(self, steps: int) -> list[float]:
        """The first updates, with the minibatches of the reference in every run."""
        found = []
        for step in range(steps):
            if self.minibatch is None:
                losses = self.update(self.inputs, self.targets)
            else:
                batch = self.first_batches[step]
                losses = self.update(self.inputs[:, batch], self.targets[:, batch])
            found.append(losses[-1])
        return [float(loss) for loss in found]

    def train(self, steps: int) -> None:
        """Further updates; every run draws minibatches of its own."""
        if self.minibatch is None:
            for _ in range(steps):
                self.update(self.inputs, self.targets)
        else:
            examples_of = self.inputs.shape[1]
            per_epoch, run = examples_of // self.minibatch, torch.arange(self.runs, device=self.inputs.device)[:, None]
            for step in range(steps):
                if step % per_epoch == 0:
                    order = torch.rand(self.runs, examples_of, device=self.inputs.device).argsort(1)
                first = step % per_epoch * self.minibatch
                batch = order[:, first : first + self.minibatch]
                self.update(self.inputs[run, batch], self.targets[run, batch])
        finish(self.inputs.device)


class Ensemble(Together):
    """The ensemble of the PyTorch tutorials, with hyperparameters of its own for every run."""

    def __init__(self, start: Start, runs: int, device: str, is_compiled: bool):
        super().__init__(start, runs, device)
        settings = start.settings
        networks = [build(start).to(device) for _ in range(runs)]
        params, self.buffers = stack_module_state(networks)
        self.params: Params = {name: leaf.detach() for name, leaf in params.items()}
        self.mean = {name: torch.zeros_like(leaf) for name, leaf in self.params.items()}
        self.square = {name: torch.zeros_like(leaf) for name, leaf in self.params.items()}
        self.learning_rate = torch.full((runs,), settings["learning_rate"], device=device)
        self.weight_decay = torch.full((runs,), settings["weight_decay"], device=device)
        self.step = torch.zeros((), device=device)
        self.betas, self.eps = settings["betas"], settings["eps"]
        skeleton, loss = copy.deepcopy(networks[0]).to("meta"), loss_of(start)

        def objective(params: Params, buffers: Params, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return loss(functional_call(skeleton, (params, buffers), (inputs,)), targets)

        gradient = vmap(grad_and_value(objective))

        def update(
            params: Params,
            mean: Params,
            square: Params,
            step: torch.Tensor,
            inputs: torch.Tensor,
            targets: torch.Tensor,
        ) -> tuple[Params, Params, Params, torch.Tensor, torch.Tensor]:
            slopes, losses = gradient(params, self.buffers, inputs, targets)
            return *self._adamw(params, mean, square, step + 1, slopes), step + 1, losses

        self._update = torch.compile(update, dynamic=False) if is_compiled else update

    def _adamw(
        self, params: Params, mean: Params, square: Params, step: torch.Tensor, slopes: Params
    ) -> tuple[Params, Params, Params]:
        b1, b2 = self.betas
        new_params, new_mean, new_square = {}, {}, {}
        for name, slope in slopes.items():
            rate, decay = (_beside(tensor, slope) for tensor in (self.learning_rate, self.weight_decay))
            new_mean[name] = b1 * mean[name] + (1 - b1) * slope
            new_square[name] = b2 * square[name] + (1 - b2) * slope * slope
            adam = (new_mean[name] / (1 - b1**step)) / ((new_square[name] / (1 - b2**step)).sqrt() + self.eps)
            new_params[name] = params[name] * (1 - rate * decay) - rate * adam
        return new_params, new_mean, new_square

    @torch.no_grad()
    def update(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.params, self.mean, self.square, self.step, losses = self._update(
            self.params, self.mean, self.square, self.step, inputs, targets
        )
        return losses


def _repeated(tensor: torch.Tensor, runs: int) -> torch.Tensor:
    return tensor[None].repeat(runs, *[1] * tensor.dim())


def _beside(per_run: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    return per_run.view(-1, *[1] * (leaf.dim() - 1))


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    began = time.perf_counter()
    set_up(options)
    start = read_start(options.start)
    ensemble = Ensemble(start, options.runs, options.device, options.compiled)
    serve(ensemble.first_losses(start.steps), ensemble.train, runs=options.runs, began=began)


if __name__ == "__main__":
    main()
