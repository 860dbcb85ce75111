"""`riskstream doctor`."""

import asyncio
from typing import Annotated

import typer

from riskstream.command_line import AsJson, say, settings_from_environment, show
from riskstream.doctor.examination import Examined, all_checks, examine
from riskstream.doctor.examined import installed_services
from riskstream.doctor.settings import DoctorSettings, role_addresses
from riskstream.doctor.visit import Visit
from riskstream.runtime.clock import clock_from_environment

app = typer.Typer(help="Look at everything that a running system stands on, and say how to mend it.")


@app.callback(invoke_without_command=True)
def doctor(
    *,
    mend: Annotated[
        bool, typer.Option("--mend", help="Add what is missing and safe to add: topics, partitions.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what is wrong.")] = False,
    as_json: AsJson = False,
) -> None:
    """Exit code 0: nothing is wrong (though something may not have been checked); 1: something is.

    Each role's address is RISKSTREAM_<ROLE>_DSN; RISKSTREAM_MIGRATOR_DSN is needed for migrations and mending,
    RISKSTREAM_KAFKA and RISKSTREAM_TOPICS_FILE for topics, RISKSTREAM_REDIS_URL for Redis.
    """
    if asyncio.run(_visit(mend=mend, quiet=quiet, as_json=as_json)):
        raise typer.Exit(1)


async def _visit(*, mend: bool, quiet: bool, as_json: bool) -> int:
    """Print each finding as it comes; how many are wrong."""
    services = installed_services()
    settings = settings_from_environment(DoctorSettings)
    addresses = role_addresses(service.role for service in services)
    seen: list[Examined] = []
    async with Visit(settings, addresses, services, clock_from_environment()) as visit:
        async for one in examine(visit, all_checks(services), mend=mend):
            seen.append(one)
            if one.finding.wrong or one.mended or not quiet:
                _print(one, as_json=as_json)
    wrong = sum(one.finding.wrong for one in seen)
    unseen = sum(one.finding.verdict == "not checked" for one in seen)
    if not as_json:
        say(f"{len(seen)} findings: {wrong} wrong, {unseen} not checked")
    return wrong


def _print(one: Examined, *, as_json: bool) -> None:
    finding = one.finding
    if as_json:
        show(finding.as_json(one.check, one.mended), as_json=True)
        return
    verdict = "mended" if one.mended else finding.verdict
    say(f"{verdict:<11}  {one.check:<13}  {finding.about}: {finding.found}")
    if finding.wrong and finding.mend is not None:
        say(f"{'':<11}  {'':<13}  to mend: {finding.mend}")
