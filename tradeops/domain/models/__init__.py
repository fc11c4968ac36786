"""What the models see, what they are asked, and how honestly they are measured. Pure numpy."""
