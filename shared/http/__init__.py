"""All that knows a request: what every service wears between HTTP and its rules."""
