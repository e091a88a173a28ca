"""Which runs are wanted, and what became of each: orders, the sources that give them, run ids, the ledger."""
