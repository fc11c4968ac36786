"""Whether to retrain: evidence with ages, votes that only propose, a gate of rules that decides. Pure."""
