"""The fast path of every hybrid model, generated from its physics: trace, differentiate, write source, compile, run."""
