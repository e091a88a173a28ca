#!/bin/bash
# One sweep on TPU VMs: one host of eight chips, or several hosts that know nothing of each other.
#
# UNTESTED: it has run on no TPU. What it types of grokjax and whether it is a script at all is checked.
#
#   tpu-vm.sh alone                 one host (v5e-8, v6e-8): Ray and the sweep on this host
#   tpu-vm.sh first                 several hosts: on the one that trains and keeps the results
#   tpu-vm.sh join ADDRESS          on each other one; ADDRESS is the first one's, such as 10.0.0.7:6379
#
# All hosts: pip install 'grokjax[ray]' 'jax[tpu]', in equal versions. A worker with others is refused.
set -eu

# A token that all hosts share: make it once with `ray get-auth-token --generate`, and copy ~/.ray/auth_token.
export RAY_AUTH_MODE=token

sweep() {
  # Each chip is one worker. The process that is started here must not touch a chip, since only one process may have
  # it: `--workers` keeps it on the cores by itself. `--device tpu`: do not fall back to cores when Ray sees no chip.
  grokjax run sweep.yaml --workers "$1" --device tpu --out results/sweep
}

independent() {
  # Hosts of one slice (v5e-16 and larger, v5p) wait for each other when a chip is first used. These variables make one
  # host a slice of its own, of four chips as 2 x 2. UNVERIFIED: they come from an answer of a maintainer in pytorch/xla
  # issue 7714. Hosts of one-host slices do without.
  export TPU_SKIP_MDS_QUERY=1              # do not ask the metadata server for the slice
  export TPU_HOST_BOUNDS=1,1,1             # one host
  export TPU_CHIPS_PER_HOST_BOUNDS=2,2,1   # with these chips
  export TPU_WORKER_HOSTNAMES=localhost    # which is this one
  export TPU_WORKER_ID=0                   # the first of one
}

case "${1:-}" in
  alone)
    ray start --head --include-dashboard=False
    trap "ray stop" EXIT # ends every process of Ray that you have here
    # Ray counts the chips, and gives each worker one: TPU_VISIBLE_CHIPS, and the bounds of a single chip.
    sweep ray
    ;;
  first)
    independent
    ray start --head --port=6379 --include-dashboard=False
    trap "ray stop" EXIT # the others notice within a minute, and end
    sweep ray
    ;;
  join)
    independent
    # --block: when this ends, the host has left; its runs go on elsewhere.
    ray start --address="${2:?the address of the first host}" --block
    ;;
  *)
    echo "usage: $0 alone | first | join ADDRESS" >&2
    exit 2
    ;;
esac
