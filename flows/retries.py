"""How tasks are tried again when the error says that waiting helps: soon for reports, in minutes for long work."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.presentation import is_transient

patient = task(  # all tries of reading and of recording together end before the five minutes of a report
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 15, 45],
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)
again = task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[60, 120, 300],
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)
