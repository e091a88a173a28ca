"""Everything that reads what is stored: tables, histories, grids, status. Takes no lock, imports no JAX."""
