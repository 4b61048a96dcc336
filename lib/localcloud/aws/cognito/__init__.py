"""Cognito user pools that check what they are given: passwords, SRP proofs, codes and tokens."""
