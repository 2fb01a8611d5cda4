"""Django's SQLite backend in which writers and checkpoints take turns within the process.

Readers never wait: they see the last commit through the write-ahead log.
"""
