"""Who pays for what: checkout, portal, webhooks, and the sync that makes Stripe's state access."""
