"""The web page that the operator leaves open: read-only, without Prefect, for this machine alone unless guarded."""
