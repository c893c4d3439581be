"""Work spread over a Ray cluster: any engine, and the verification.

The driver hands out pieces of work and puts the results together; it alone writes files, so that a
run on many machines leaves what a run on one leaves. The repository lies at the same path on every
node (a shared file system), with the same environment.
"""
