"""An organisation that was registered twice goes on as one: its profile, its people, its pairs and its notices."""
