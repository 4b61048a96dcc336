"""The local site: API Gateway's HTTP API before the functions, the frontend, the control pages."""
