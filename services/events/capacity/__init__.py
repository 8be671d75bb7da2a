"""What an event has room for: its seats, the lock over them, and who moves up when one is free."""
