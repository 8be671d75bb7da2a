"""The day itself: tickets, who came in, and what the organiser counts afterwards."""
