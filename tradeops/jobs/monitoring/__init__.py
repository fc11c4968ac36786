"""The health check, the signs of life of the jobs, and what the watchdog looks at."""
