"""The competitors of the switch benchmark. Each is a class with the same few methods:

    start()      servers up, streaming, the table there
    targets()    the databases for the shared client, see bench_support.GapClient
    switch()     one planned switch to the other server by the competitor's own command; returns details for the report
    observers()  [(site, [observer of each database])]: sees_streaming() says whether it is the primary of a replica
    full_copies()  whole copies that its Redis servers have given so far; 0 without any
    stop()       every process it started is gone; safe to call at any time, and twice
"""
