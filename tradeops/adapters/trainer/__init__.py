"""The training service: HTTP client, wire models, and what the product asks of it."""
