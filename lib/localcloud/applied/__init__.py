"""Serves what Terraform applied to local AWS: everything is read from its control plane."""
