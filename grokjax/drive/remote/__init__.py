"""One sweep on many machines: lanes live in workers; the process that was started owns ledger, HEAD and checkpoints.

host.py            a worker's side: compiles a cohort, trains its lanes; knows nothing of Ray
remote_worker.py   what stands for a worker here: gathers fills, reads replies
crew.py            who is there, who is on the way, who may not take part; knows nothing of Ray either
remote_programs.py the cohorts, compiled by the worker that comes first
remote_trainer.py  queue -> workers -> ended runs, where workers come, die and freeze
suspects.py        runs whose workers died with them
ray_fleet.py       workers as actors of Ray; the one file that knows Ray
"""
