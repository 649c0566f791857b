-- Which generation is this, and when was it published?
select
    generation,
    published_at
from meta.snapshot
