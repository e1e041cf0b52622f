"""Hostile frames at a live broker: what a stranger with a socket may try, and what must still hold."""
