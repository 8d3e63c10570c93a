"""Figures and tables; reads only, never measures."""
