"""PyTorch as users write it: one network, a step in a Python loop; eager, or compiled.

    python -m benchmarks.peers.torch_loop START [--threads 2] [--compiled] [--device cuda]

Its best setting here: data on the device, no loss is fetched while training, fused AdamW, denormals flushed.
"""

import argparse
import time
from collections.abc import Callable

import torch

from benchmarks.peers.networks import build, examples, loss_of
from benchmarks.peers.start import Start, read_start
from benchmarks.rig.protocol import serve


class Loop:
    """One network with its optimizer."""

    def __init__(self, start: Start, device: str, is_compiled: bool):
        self.inputs, self.targets, self.first_batches = examples(start, device)
        self.minibatch = start.minibatch
        self.network = build(start).to(device)
        self.optimizer = optimizer_of(start, self.network)
        loss = loss_of(start)

        def objective(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return loss(self.network(inputs), targets)

        self.objective = torch.compile(objective, dynamic=False) if is_compiled else objective

    def update(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """One update; the loss before it, still on the device."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.objective(inputs, targets)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def first_losses(self, steps: int) -> list[float]:
        """The first updates, with the minibatches of the reference."""
        found = []
        for step in range(steps):
            if self.minibatch is None:
                found.append(self.update(self.inputs, self.targets))
            else:
                batch = self.first_batches[step]
                found.append(self.update(self.inputs[batch], self.targets[batch]))
        return [float(loss) for loss in found]

    def train(self, steps: int) -> None:
        """Further updates, each epoch in an order of its own; returns when the device has done them."""
        if self.minibatch is None:
            for _ in range(steps):
                self.update(self.inputs, self.targets)
        else:
            per_epoch = len(self.inputs) // self.minibatch
            for step in range(steps):
                if step % per_epoch == 0:
                    order = torch.randperm(len(self.inputs), device=self.inputs.device)
                first = step % per_epoch * self.minibatch
                batch = order[first : first + self.minibatch]
                self.update(self.inputs[batch], self.targets[batch])
        finish(self.inputs.device)


def optimizer_of(start: Start, network: torch.nn.Module) -> torch.optim.AdamW:
    """AdamW with the settings of the start file, in its fastest form."""
    settings = start.settings
    return torch.optim.AdamW(
        network.parameters(),
        lr=settings["learning_rate"],
        weight_decay=settings["weight_decay"],
        betas=tuple(settings["betas"]),
        eps=settings["eps"],
        fused=True,
    )


def finish(device: torch.device) -> None:
    """Wait for what was asked of the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def set_up(options: argparse.Namespace) -> None:
    """Threads and number formats: float32 products everywhere unless TF32 is asked for."""
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high" if options.tf32 else "highest")


def parser_of(about: str | None) -> argparse.ArgumentParser:
    """Options of every PyTorch peer."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("start")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tf32", action="store_true")
    return parser


def main() -> None:
    options = parser_of(__doc__).parse_args()
    began = time.perf_counter()
    set_up(options)
    start = read_start(options.start)
    loop = Loop(start, options.device, options.compiled)
    losses = loop.first_losses(start.steps)
    train: Callable[[int], None] = loop.train
    serve(losses, train, runs=1, began=began)


if __name__ == "__main__":
    main()
