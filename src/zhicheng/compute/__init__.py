"""Computing on the log: the contract of applications, their state, windows, and the runner that feeds them."""
