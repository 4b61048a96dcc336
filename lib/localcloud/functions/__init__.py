"""Runs the functions of `images/` as separate processes behind the Lambda Runtime API."""
