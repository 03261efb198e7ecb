"""Who vouches for a record, and how it travels."""
