"""Stripe's side of a deployment: what an account must hold, and taking over subscribers."""
