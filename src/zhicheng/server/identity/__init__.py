"""The embedded identity provider: people, sessions, clients, OpenID Connect."""
