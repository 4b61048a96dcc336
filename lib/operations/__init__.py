"""Commands that touch an AWS or Stripe account. Never part of an image."""
