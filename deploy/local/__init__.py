"""The embedded stack: nats-server, the three services and a mail sink under one supervisor."""
