"""The guard's polls: it sees, judges and brakes with everything else down."""
