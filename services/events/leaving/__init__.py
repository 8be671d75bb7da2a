"""What is done here when an organisation leaves: its data is handed over, or erased."""
