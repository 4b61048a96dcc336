environment     = "staging"
frontend_origin = "staging.frontend.example" # yours: the host that serves the Next.js site of this environment

# What differs from production, and why; everything else is as it is there, or it would prove nothing:
protected          = false # made to be thrown away and built again
log_retention_days = 14    # a release is judged within days
throttling_rate    = 20    # testers alone
throttling_burst   = 40
monthly_budget_usd = 50
