"""What an organisation is shown: suggestions and search, with the reasons in words."""
