"""The log of acts: who did what to protected data, in an append-only tree that anyone can check."""
