"""The three daily reports, and what they are made of."""
