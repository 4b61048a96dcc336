"""The local Stripe: a stateful stand-in that stripe-python drives unmodified.

A request runs through `server` (HTTP) → `api` (key, version, idempotency, one transaction) →
`registry` (route and parameters) → one module of `resources`. What is stored is the object in the
newest shape; `versions` renders it for the version that the caller or the webhook endpoint names.
"""
