"""`make bench`: throughput of the paths that count, each as a share of a bare view on the same server."""
