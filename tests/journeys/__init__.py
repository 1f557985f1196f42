"""What people do, from end to end: a real house, its sandbox, its workers, and Chromium."""
