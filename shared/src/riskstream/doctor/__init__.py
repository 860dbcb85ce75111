"""The command `riskstream doctor`: looks at everything that a running system stands on, and says how to mend it.

Checks that need to know no service are here. A service names what is its own (role, schema, history, partitioned
tables, grants, further checks) as an `ExaminedService` under the entry point group `riskstream.doctor`. Nothing is
changed by looking; `--mend` does only what can be done twice and takes nothing away.
"""

from riskstream.doctor.check import Check, NotChecked
from riskstream.doctor.examined import ExaminedService
from riskstream.doctor.finding import Finding, Verdict
from riskstream.doctor.visit import Visit

__all__ = ["Check", "ExaminedService", "Finding", "NotChecked", "Verdict", "Visit"]
