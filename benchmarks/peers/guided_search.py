"""The published search for the shortest code as a process: Bayesian optimisation names points and is told their scores.

It reads a line with a seed, then names 62 points, each a line of two numbers (log10 of the step, threshold), and reads
a score after each; then it writes an empty line. DeMoss et al. 2024: two fixed points, 10 at random, 50 guided, all
other settings those of the library.
"""

import os
import sys

from bayes_opt import BayesianOptimization

BOX = {"log_step": (-3.0, 0.0), "threshold": (0.0, 1.0)}
FIXED = ({"log_step": -3.0, "threshold": 1.0}, {"log_step": -2.7, "threshold": 0.98})


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w"), sys.stderr  # the library prints remarks

    def score(log_step: float, threshold: float) -> float:
        print(repr(float(log_step)), repr(float(threshold)), file=answers, flush=True)
        return float(sys.stdin.readline())

    while line := sys.stdin.readline():
        optimizer = BayesianOptimization(score, BOX, random_state=int(line), verbose=0, allow_duplicate_points=True)
        for point in FIXED:
            optimizer.probe(point, lazy=True)
        optimizer.maximize(init_points=10, n_iter=50)
        print(file=answers, flush=True)


if __name__ == "__main__":
    main()
