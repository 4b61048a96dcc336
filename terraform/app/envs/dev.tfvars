environment     = "dev"
frontend_origin = "dev.frontend.example" # yours: the host that serves the Next.js site of this environment

# What differs here, and why:
protected              = false                     # made to be thrown away and built again
point_in_time_recovery = false                     # no data that anybody would want back
extra_origins          = ["http://localhost:3000"] # developers run the frontend on their own machine
log_retention_days     = 7
throttling_rate        = 20 # one team's own clicks
throttling_burst       = 40
monthly_budget_usd     = 25
