"""OAuth 2.0 and OpenID Connect: people and programs sign in with us, also to other applications of the city."""
