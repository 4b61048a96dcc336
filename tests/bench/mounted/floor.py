"""The floor: the least that a Python function can do."""


def handler(event, context):
    """Answer nothing."""
    return {"statusCode": 200, "body": "{}"}
