"""Words that everyone uses: parts, contracts, random streams. Imports nothing of ours."""
