"""The HTTP face of onboarding: what is sent is read exactly, what is refused says how to mend it."""

from onboarding.api.app import create_app

__all__ = ["create_app"]
