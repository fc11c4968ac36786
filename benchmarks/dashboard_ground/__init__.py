"""What the dashboard is measured on: a store of months, an engine that answers, a guard that keeps."""
