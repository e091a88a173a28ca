"""A cluster of Ray with one head and several nodes on this machine, told over standard input what to do.

add CPUS       a node joins; its number from 0 is printed
remove NUMBER  a node goes without grace
end            all of it ends
"""

import os
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster


def answer(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = []
    answer(cluster.address)
    for line in sys.stdin:
        what, _, number = line.strip().partition(" ")
        if what == "add":
            nodes.append(cluster.add_node(num_cpus=int(number)))
            answer(len(nodes) - 1)
        if what == "remove":
            cluster.remove_node(nodes[int(number)], allow_graceful=False)
            answer("removed")
        if what == "end":
            break
    cluster.shutdown()


main()
