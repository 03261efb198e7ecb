"""A TAXII 2.1 collection as a source: polled, kept, and split into records."""
