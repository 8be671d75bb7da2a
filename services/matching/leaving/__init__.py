"""What is done everywhere when an organisation leaves: its data is handed over, or erased."""
