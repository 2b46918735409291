"""Identity and policy as pure decisions: who a token stands for, and what a role may do."""
