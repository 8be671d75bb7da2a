"""An SMTP server that delivers nowhere: every message becomes a file that can be read.

It may also be run alone: `python -m deploy.local.mail_sink --port 2525 --folder mail`.
"""

import argparse
import asyncio
import itertools
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MESSAGE = 10 * 2**20


class MailFolder:
    """Keeps each message as one `.eml` file, whole from the moment it has that name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._number = itertools.count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        head = [f"Return-Path: <{envelope.mail_from}>"] + [f"Delivered-To: {to}" for to in envelope.rcpt_tos]
        try:
            self.keep("\r\n".join([*head, ""]).encode() + content)
        except OSError as full:
            # Without an answer of ours it would be 500, which is for good: the mail would be lost.
            return f"452 4.3.1 cannot be kept now: {full.strerror}"
        return "250 2.0.0 kept"

    def keep(self, message: bytes) -> Path:
        now = datetime.now(UTC)
        path = self.folder / f"{now:%Y%m%dT%H%M%S.%f}-{next(self._number):05}.eml"
        unfinished = path.with_suffix(".part")
        try:
            unfinished.write_bytes(message)
            return unfinished.rename(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


async def start_mail_sink(folder: Path, port: int = 0, host: str = "127.0.0.1") -> asyncio.Server:
    """Port 0 takes a free one. Not on loopback only where a container is the border."""
    kept = MailFolder(folder)
    return await asyncio.get_running_loop().create_server(
        lambda: SMTP(kept, data_size_limit=LARGEST_MESSAGE, enable_SMTPUTF8=True, hostname="localhost"),
        host=host,
        port=port,
    )


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def main() -> None:
    parser = argparse.ArgumentParser(prog="mail_sink", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--folder", type=Path, default=Path("mail"))
    arguments = parser.parse_args()
    server = await start_mail_sink(arguments.folder, arguments.port, arguments.host)
    print(f"mail to {arguments.host}:{port_of(server)} is kept in {arguments.folder}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
