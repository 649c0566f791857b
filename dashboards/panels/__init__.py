"""What pages show, shaped: frames of queries in, markup or frames for charts out."""
