"""The resources of the local Stripe, one module each; `index` lists them."""
