"""Signs a short token for an administrator with an installation's own key, and writes down that it did.

Run as `python3 dev.py admin-token --email ADDRESS`. It is how the first one gets in, before anybody can sign in.
"""

import argparse
import getpass
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deploy.secret_files import FOLDER
from shared.access.keys import public_key_of
from shared.access.tokens import Tokens
from shared.fields import Email

LOG = "admin_tokens.log"
LONGEST = 60
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


def sign(folder: Path, email: str, lasts: timedelta) -> str:
    """A token for an administrator; that it was signed is written down first, beside the key."""
    private = (folder / "jwt_private_key").read_text()
    now = datetime.now(UTC)
    log = folder / LOG
    log.touch(mode=0o600)
    with log.open("a") as lines:
        lines.write(f"{now:%FT%TZ} {getpass.getuser()} signed an administrator's token for {email}")
        lines.write(f" until {now + lasts:%FT%TZ}\n")
    return Tokens(public_key_of(private), private).sign(email=email, roles=["admin"], lasts=lasts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 dev.py admin-token", description=__doc__)
    parser.add_argument("--email", required=True, type=_address, metavar="ADDRESS", help="who it is for: it is logged")
    parser.add_argument("--secrets", type=Path, default=FOLDER, metavar="FOLDER", help=f"default: {FOLDER}")
    parser.add_argument("--minutes", type=int, default=15, choices=range(1, LONGEST + 1), metavar="1-60")
    arguments = parser.parse_args()
    if not (arguments.secrets / "jwt_private_key").is_file():
        parser.error(f"{arguments.secrets} holds no jwt_private_key; python3 dev.py secrets makes one")
    print(sign(arguments.secrets, arguments.email, timedelta(minutes=arguments.minutes)))
    print(f"written down in {arguments.secrets / LOG}", file=sys.stderr)


def _address(text: str) -> str:
    try:
        return _EMAIL.validate_python(text)
    except ValidationError as wrong:
        raise argparse.ArgumentTypeError(f"{text!r} is not an e-mail address") from wrong


if __name__ == "__main__":
    main()
