"""One cell from within: what it works on, how it is probed, the process that it runs in."""
