"""Running a command that ends, with its output in a log."""

from __future__ import annotations

import asyncio

from civiloop_cli.errors import StartError
from civiloop_cli.runtime.child import tail
from civiloop_cli.runtime.services import Job

JOB_TIMEOUT_S = 300.0


async def run_job(job: Job) -> None:
    """Return when the command has ended well.

    Raises:
        StartError: it failed or took too long; its last lines are in the message.
    """
    with job.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *job.argv,
            env=dict(job.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            code = await asyncio.wait_for(process.wait(), JOB_TIMEOUT_S)
        except TimeoutError as error:
            raise StartError(f"{job.name} took over {JOB_TIMEOUT_S:.0f} s", hints=(f"its log: {job.log}",)) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if code != 0:
        lines = "".join(f"\n    {line}" for line in tail(job.log, 12))
        raise StartError(f"{job.name} failed with exit code {code}:{lines}", hints=(f"its log: {job.log}",))
