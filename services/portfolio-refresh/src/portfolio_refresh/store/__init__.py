"""The only place of this service with SQL: what a fold reads, what it writes, and the runs that share folds out."""
