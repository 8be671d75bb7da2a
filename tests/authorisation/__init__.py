"""Who may do what: a table that names every route of every service, and what every kind of caller is answered."""
