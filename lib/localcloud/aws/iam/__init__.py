"""Who may do what: roles' policies, enforced by action, resource and condition.

Moto's own enforcement ignores resources and stays off.
"""
