"""The daily portfolio report: what the account holds, what its trades brought, and what is not known."""
