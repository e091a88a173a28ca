"""ModelBatch 0.1.0 as shipped: `torch.vmap` over stacked networks, one optimizer with a parameter group for each.

    python -m benchmarks.peers.modelbatch_loop START --runs 8 [--threads 2] [--device cuda]

The AdamW that it drives is PyTorch's plain one: the fused form takes the strided gradients that ModelBatch hands over
for contiguous ones and trains something else, without a word (torch 2.13). `foreach` and its `enable_compile` gained
nothing.
"""

import time

import torch
from modelbatch import ModelBatch
from modelbatch.optimizer import OptimizerFactory

from benchmarks.peers.networks import build, loss_of
from benchmarks.peers.start import Start, read_start
from benchmarks.peers.torch_ensemble import Together
from benchmarks.peers.torch_loop import parser_of, set_up
from benchmarks.rig.protocol import serve


class Batched(Together):
    """Networks in a `ModelBatch`, each with examples of its own."""

    def __init__(self, start: Start, runs: int, device: str):
        super().__init__(start, runs, device)
        settings = start.settings
        self.networks = ModelBatch([build(start).to(device) for _ in range(runs)], shared_input=False)
        each = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
        shared = {"betas": tuple(settings["betas"]), "eps": settings["eps"]}
        self.optimizer = OptimizerFactory(torch.optim.AdamW, shared).create_optimizer(self.networks, [each] * runs)
        self.loss = loss_of(start)

    def update(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad()
        losses = self.networks.compute_loss(self.networks(inputs), targets, self.loss, reduction="none")
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    began = time.perf_counter()
    set_up(options)
    start = read_start(options.start)
    batched = Batched(start, options.runs, options.device)
    serve(batched.first_losses(start.steps), batched.train, runs=options.runs, began=began)


if __name__ == "__main__":
    main()
