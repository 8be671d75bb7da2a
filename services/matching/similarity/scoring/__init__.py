"""From a query to scores: what is asked, who may answer, how well they fit."""
