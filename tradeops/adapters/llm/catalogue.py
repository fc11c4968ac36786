"""What `tradeops doctor` may ask of the LLM endpoint: only what is free of charge."""

from tradeops.adapters.catalogue import Needed
from tradeops.adapters.llm.client import MODELS, LlmClient

NEEDED = (Needed(f"GET {MODELS}", LlmClient.models),)
