"""Destinations of members, one file each."""
