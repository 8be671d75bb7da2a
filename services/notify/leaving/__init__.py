"""What is done here when an organisation leaves: its people's data is handed over, or erased."""
