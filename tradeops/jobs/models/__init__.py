"""Training, the contest of models, promotion and the watch after it."""
