"""The doors of those who care: one patient at a time, read in thirty seconds."""
