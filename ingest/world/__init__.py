"""A made-up company whose Airflows Windsock can be shown on, with the answers to check it by.

    company(size, seed)  ->  simulate(company, date)  ->  answers(company, days)

Nothing in it is real: names, people, durations and failures are drawn from a seed. It makes
*source* data only; how that becomes databases and log files is in `ingest/world/emit/`.
"""
