"""Subscriptions: what changes is told to whoever asked for it, over HTTP, however slow or dead the others are."""
