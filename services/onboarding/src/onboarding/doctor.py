"""What onboarding tells `riskstream doctor` about itself."""

from onboarding import schema
from riskstream.doctor import ExaminedService

EXAMINED = ExaminedService(
    name="onboarding",
    role="onboarding",
    package="onboarding",
    schema=schema.SCHEMA,
    partitioned=schema.PARTITIONED,
)
