"""Registrations: signing up, changing, cancelling, and the seats and the line behind them."""
