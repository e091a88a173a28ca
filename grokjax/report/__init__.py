"""How results are shown: figures for papers, diagrams and tables for the terminal. Nothing is computed here."""
