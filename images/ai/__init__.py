"""Metered AI: generations against a plan's quota, their history, usage, and direct uploads."""
