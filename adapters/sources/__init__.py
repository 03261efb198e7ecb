"""Formats coming in, one file each: bytes -> STIX objects, pure."""
