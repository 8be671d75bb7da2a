"""`python3 dev.py up`: reads the arguments and runs the stack under its supervisor."""

import argparse
import asyncio
import sys

from deploy.local.data_folder import SERVICES, DataFolder, FolderInUse, add_data_option, add_database_option
from deploy.local.processes import say
from deploy.local.stack import FIRST_PORT, Stack, ports_from
from deploy.local.supervisor import Supervisor


def read_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 dev.py up", description="Run the embedded stack; Ctrl-C stops it.")
    add_data_option(parser)
    parser.add_argument("--sample", action="store_true", help="load the sample, once")
    parser.add_argument("--base-port", type=int, default=FIRST_PORT, help="first of the three ports (default: 8001)")
    for service in SERVICES:
        parser.add_argument(f"--{service}-port", type=int, help=f"port of {service}")
    parser.add_argument("--nats-port", type=int, default=-1, help="default: a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="default: a free one")
    add_database_option(parser)
    return parser.parse_args(words)


def stack_of(arguments: argparse.Namespace) -> Stack:
    chosen = {service: getattr(arguments, f"{service}_port") for service in SERVICES}
    ports = ports_from(arguments.base_port) | {service: port for service, port in chosen.items() if port}
    return Stack(
        DataFolder(arguments.data.resolve()),
        ports=ports,
        nats_port=arguments.nats_port,
        smtp_port=arguments.smtp_port,
        database_prefix=arguments.database_prefix,
    )


def run(stack: Stack, *afterwards: str) -> int:
    """2 when the stack may not start here, else what the supervisor says."""
    taken = stack.taken_ports()
    if taken:
        say("\n".join(taken))
        return 2
    stack.folder.prepare()
    try:
        held = stack.folder.hold()
    except FolderInUse as refusal:
        say(f"{refusal}; choose another with --data")
        return 2
    with held:
        return asyncio.run(supervise(stack, *afterwards))


async def supervise(stack: Stack, *afterwards: str) -> int:
    return await Supervisor(stack).run(*afterwards)


def main() -> int:
    arguments = read_arguments(sys.argv[1:])
    stack = stack_of(arguments)
    welcome = ["-m", "deploy.local.welcome", "--data", str(stack.folder.path)]
    return run(stack, *welcome, *(["--sample"] if arguments.sample else []))


if __name__ == "__main__":
    sys.exit(main())
