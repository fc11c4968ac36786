"""A stand-in for the whole bot behind real HTTP; it obeys the contract sheets to the letter, ugly parts included."""
