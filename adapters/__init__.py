"""Who may see a record, and how it reaches them."""
