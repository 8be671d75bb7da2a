"""Has the embedded stack's owners tell every row again: `python3 dev.py retell [events] [matching]`.

For a listener that was restored from an older disk, or has new columns to fill. The stack may be running.
"""

import argparse
import subprocess
import sys

from deploy.local.data_folder import DataFolder, add_data_option, add_database_option

OWNERS = ("events", "matching")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 dev.py retell", description=__doc__)
    parser.add_argument("owners", nargs="*", metavar="SERVICE", help=f"{' or '.join(OWNERS)} (default: both)")
    add_data_option(parser)
    add_database_option(parser)
    parser.add_argument("--restored", action="store_true", help="they are older backups: lift their versions first")
    arguments = parser.parse_args()
    if unknown := set(arguments.owners) - set(OWNERS):
        parser.error(f"{', '.join(sorted(unknown))} owns nothing that could be told again; {', '.join(OWNERS)} do")
    folder = DataFolder(arguments.data.resolve())
    urls = {owner: folder.database_url(owner, arguments.database_prefix) for owner in arguments.owners or OWNERS}
    more = ["--restored"] if arguments.restored else []
    done = [
        subprocess.run([sys.executable, "-m", f"services.{owner}.retelling", "--url", url, *more]).returncode
        for owner, url in urls.items()
    ]
    return max(done)


if __name__ == "__main__":
    sys.exit(main())
