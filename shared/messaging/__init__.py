"""What is told and heard: outbox and relay, subscriptions and dead letters, streams and who listens."""
