"""Everything a laptop needs instead of accounts: local AWS, Stripe, Bedrock and the gateway. Never shipped."""
