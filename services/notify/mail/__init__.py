"""Mails: written, built by the RFCs, and handed to the SMTP server."""
