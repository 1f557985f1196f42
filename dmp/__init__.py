"""The assembled application: settings, addresses, processes. No rule of the health record lives here."""
