"""The OpenAI-compatible endpoint of the language model."""
