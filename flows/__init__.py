"""The shell: Prefect flows, thin ones, around the jobs of `tradeops`."""
