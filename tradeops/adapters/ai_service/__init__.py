"""The AI service: no envelope, a health answer that is always healthy, counters of one process."""
