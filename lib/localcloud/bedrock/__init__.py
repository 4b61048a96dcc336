"""Local Bedrock: `bedrock-runtime` as the AWS SDKs speak it, with deterministic answers."""
