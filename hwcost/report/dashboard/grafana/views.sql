-- Views for Grafana, and for anyone who reads a PostgreSQL store in SQL. They can be made again at any time:
--   psql postgresql://USER@HOST/NAME -f views.sql
-- Values are in the unit of their quantity, instants are UTC, and what has no value is null.

create or replace view hwcost_estimates as
select
  to_timestamp(e.measured_s) as "time",
  s.workload_name as workload,
  coalesce(s.search_space, s.document ->> 'kind') as family,
  s.component,
  s.device_name as device,
  s.backend,
  s.precision,
  s.batch_size,
  s.seq_len,
  s.quantity,
  s.unit,
  e.value,
  e.value * exp(-e.half_width) as low,
  e.value * exp(e.half_width) as high,
  e.status,
  e.flags,
  e.reason,
  r.suite,
  e.run_id,
  r.commit,
  e.series_key
from estimates e
join series s using (series_key)
left join runs r using (run_id)
where coalesce(s.document -> 'extra' ->> 'role', '') <> 'canary';

create or replace view hwcost_latest as
select distinct on (series_key) *
from hwcost_estimates
order by series_key, "time" desc;

create or replace view hwcost_nights as
select
  r.started_at::timestamptz as "time",
  r.suite,
  r.run_id,
  r.commit,
  r.status as run_status,
  count(e.series_key) filter (where e.status = 'ok') as ok,
  count(e.series_key) filter (where e.status = 'unconfirmed') as unconfirmed,
  count(e.series_key) filter (where e.status = 'invalid') as invalid,
  count(e.series_key) filter (where e.status = 'failed') as failed
from runs r
left join hwcost_estimates e using (run_id)
group by r.run_id, r.suite, r.started_at, r.commit, r.status;

create or replace view hwcost_levels as
select
  min(e."time") as "time",
  e.device,
  e.backend,
  e.run_id,
  exp(percentile_cont(0.5) within group (order by ln(e.value / u.usual))) as level
from hwcost_estimates e
join (
  select series_key, percentile_cont(0.5) within group (order by value) as usual
  from hwcost_estimates where status = 'ok' and value > 0 group by series_key
) u using (series_key)
where e.status = 'ok' and e.value > 0
group by e.device, e.backend, e.run_id;
