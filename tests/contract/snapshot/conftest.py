"""The servers of the probes' tests."""

from tests.contract.probes.conftest import hanging_address, nonsense_address, redis_address, refusing_address

__all__ = ["hanging_address", "nonsense_address", "redis_address", "refusing_address"]
