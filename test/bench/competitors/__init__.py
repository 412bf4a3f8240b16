"""The competitors of the switch benchmark. Each is a class with the same few methods:

    start()      servers up, streaming, the table there
    conninfo()   libpq conninfo with both hosts, for the shared client
    switch()     one planned switch to the other server by the competitor's own command; returns details for the report
    observers()  [(name, function returning an open session that may read pg_stat_replication)], one for each server
    stop()       every process it started is gone; safe to call at any time, and twice
"""
