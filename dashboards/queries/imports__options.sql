-- What can the errors be narrowed by? Every value that one has.
select
    array_agg(distinct error_class) as error_classes,
    array_agg(distinct owner) as owners,
    array_agg(distinct team) as teams
from marts.fct_import_errors
