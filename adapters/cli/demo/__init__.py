"""`tocsin demo`: the whole service in one process, checked by itself."""
