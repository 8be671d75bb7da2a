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
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from deploy.local.data_folder import DataFolder, add_data_option

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


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="dev.py mail", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--to", help="only mails to this address")
    parser.add_argument("--link", help="print only the newest link that holds this text")
    arguments = parser.parse_args()
    kept = DataFolder(arguments.data.resolve()).path / "mail"
    found = [each for each in messages(kept) if not arguments.to or arguments.to in str(each["to"])]
    if not arguments.link:
        for each in found:
            print(f"{each['to']}  {each['subject']}")
        return
    links = [link for each in found for link in links_of(each) if arguments.link in link]
    if not links:
        sys.exit(f"no mail{f' to {arguments.to}' if arguments.to else ''} has a link with {arguments.link}")
    print(links[-1])


if __name__ == "__main__":
    main()
