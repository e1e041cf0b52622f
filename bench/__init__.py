"""Figures beside limits and goals."""
