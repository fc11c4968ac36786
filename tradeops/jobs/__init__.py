"""The plain async steps of each job, shared by flows, CLI and watchdog."""
