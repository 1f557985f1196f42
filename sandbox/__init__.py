"""The outside world, over the real protocols, with invented people: for demonstration and tests only."""
