"""Signs tokens with the key of the embedded stack: `python3 dev.py token --role organiser --org ID --email ADDRESS`."""

import argparse
from datetime import timedelta
from uuid import UUID

from deploy.local.data_folder import DataFolder, add_data_option
from shared.access.caller import ROLES, Role
from shared.access.tokens import Tokens


def tokens_of(folder: DataFolder) -> Tokens:
    """The signer of this data folder; matching's key, as matching alone signs."""
    return Tokens(folder.secret("matching", "jwt_public_key"), folder.secret("matching", "jwt_private_key"))


def sign(folder: DataFolder, email: str, role: Role, *organisations: UUID) -> str:
    return tokens_of(folder).sign(email=email, roles=[role], organisations=organisations)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 dev.py token", description="Print a token for the local stack.")
    parser.add_argument("--role", action="append", required=True, choices=ROLES, help="may be given several times")
    parser.add_argument(
        "--org", action="append", default=[], type=UUID, metavar="ID", help="may be given several times"
    )
    parser.add_argument("--email", required=True, metavar="ADDRESS")
    parser.add_argument("--name")
    parser.add_argument("--hours", type=float, default=8.0, help="how long it lasts (default: 8)")
    add_data_option(parser)
    arguments = parser.parse_args()
    folder = DataFolder(arguments.data.resolve())
    if not folder.secrets_of("matching").exists():
        parser.error(f"{folder.path} has no keys yet; python3 dev.py up makes them")
    token = tokens_of(folder).sign(
        email=arguments.email,
        roles=arguments.role,
        organisations=arguments.org,
        name=arguments.name,
        lasts=timedelta(hours=arguments.hours),
    )
    print(token)


if __name__ == "__main__":
    main()
