"""Massive's error bodies that its endpoints do not raise themselves."""

TOO_MANY = (
    '{"status":"ERROR","request_id":"simulated","error":"You\'ve exceeded the maximum requests per minute, please wait '
    'or upgrade your subscription to continue."}'
)
