"""Runs one function over one hostile input, in a child that can do nothing else.

`server` is a process that has loaded everything once and forks a child for each input; `client` hands it an
input and gets back what the child wrote and how it ended. `confinement` is what a child gives up first, by
`namespaces`, `landlock` and `seccomp`. Nothing here knows documents, Django, a database or a key.
"""
