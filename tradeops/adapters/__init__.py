"""One folder for each outside system: client, wire models, mapping to the domain."""
