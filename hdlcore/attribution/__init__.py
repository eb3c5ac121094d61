"""Memory and attribution: how far back, and through which driver, the past still matters."""
