"""Prefect's own REST API, so that nothing of ours needs to import Prefect to see or start runs."""
