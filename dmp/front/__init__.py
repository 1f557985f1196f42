"""The front of a web process: connections are read and written off the threads that do the work.

granian accepts and parses, in a thread of its own; a request is handed to one of a few threads once all of it
is here, and its answer is given back whole. Whoever is slow to speak or to listen holds memory, not a thread.
`bodies` says how slow is too slow, `application` hands over, `server` starts and stops the processes.
"""
