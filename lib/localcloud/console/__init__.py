"""The console at `/_local/`: what the stack holds and does, as pages for people."""
