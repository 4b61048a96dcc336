environment     = "prod"
frontend_origin = "www.frontend.example" # yours: the host that serves the Next.js site of this environment

# The defaults of variables.tf are production's. What only production pays for:
log_retention_days = 90   # a dispute about a payment may take a quarter
tracing            = true # a slow call of a customer cannot be repeated on purpose
monthly_budget_usd = 200
