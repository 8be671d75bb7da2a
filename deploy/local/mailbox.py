"""The mails of the local sink, in the order they came: to whom, about what, and the links in them.

python3 dev.py mail                                     a line each
python3 dev.py mail --to mette@example.org              only to that address
python3 dev.py mail --to … --link /p/matching/          the newest link that holds this path, alone
"""

import argparse
import email
import email.policy
import re
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import TypeVar

from deploy.local.data_folder import DataFolder, add_data_option

Found = TypeVar("Found")

# Mails come within a second; a busy machine gets some more.
PATIENCE_SECONDS = 20.0
_LINK = re.compile(r"https?://\S+")


def messages(folder: Path) -> Iterator[EmailMessage]:
    for path in sorted(folder.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        yield message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def links_of(message: EmailMessage) -> list[str]:
    return _LINK.findall(text_of(message))


def mails_to(folder: Path, address: str | None) -> list[EmailMessage]:
    return [each for each in messages(folder) if not address or address in str(each["to"])]


def awaited(look: Callable[[], list[Found]], count: int) -> list[Found]:
    """What `look` finds, as soon as there are `count` of them, or else after some seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := look()) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="dev.py mail", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--to", help="only mails to this address")
    parser.add_argument("--wait", type=int, default=0, metavar="N", help="wait until there are so many")
    parser.add_argument("--link", help="print only the newest link that holds this text")
    arguments = parser.parse_args()
    found = partial(mails_to, DataFolder(arguments.data.resolve()).path / "mail", arguments.to)
    if arguments.link:
        links = awaited(lambda: [link for each in found() for link in links_of(each) if arguments.link in link], 1)
        if not links:
            sys.exit(f"no mail{f' to {arguments.to}' if arguments.to else ''} has a link with {arguments.link}")
        print(links[-1])
        return
    for each in awaited(found, arguments.wait):
        print(f"{each['to']}  {each['subject']}")


if __name__ == "__main__":
    main()
