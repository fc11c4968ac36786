"""How what was observed becomes incidents, and how people hear of them."""
