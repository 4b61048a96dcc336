"""What a laptop needs instead of accounts: local AWS, Stripe, Bedrock, gateway. Never shipped."""
