-- Work that is done behind the screens: jobs, how far each part of one is, and
-- schedules that make jobs. Instants are microseconds UTC, 0 for "not yet".

-- +goose Up
create table jobs (
	id           text primary key,
	kind         text not null,
	unique_key   text not null,
	payload      bytea not null,
	state        text not null check (state in ('waiting', 'running', 'done', 'failed', 'canceled')),
	run_after    bigint not null,
	attempts     bigint not null,
	max_attempts bigint not null check (max_attempts > 0),
	holder       text not null,
	expires      bigint not null,
	token        bigint not null,
	by_account   text not null,
	by_name      text not null,
	schedule     text not null,
	created      bigint not null,
	started      bigint not null,
	begun        bigint not null,
	ended        bigint not null,
	cancel       bigint not null,
	cancel_by    text not null,
	result       bytea not null,
	outcome      text not null,
	error        text not null
);
create unique index jobs_open_key on jobs (unique_key) where unique_key <> '' and state in ('waiting', 'running');
create index jobs_open on jobs (run_after, id) where state in ('waiting', 'running');
create index jobs_ended on jobs (kind, ended);

create table job_parts (
	job     text not null references jobs (id),
	n       bigint not null,
	name    text not null,
	stream  text not null,
	state   text not null check (state in ('waiting', 'reading', 'reconciling', 'sealed', 'failed')),
	done    bigint not null,
	total   bigint not null,
	reason  text not null,
	primary key (job, n)
);

create table schedules (
	name         text primary key,
	kind         text not null,
	unique_key   text not null,
	payload      bytea not null,
	max_attempts bigint not null check (max_attempts > 0),
	every        bigint not null,
	at           text not null,
	zone         text not null,
	next_run     bigint not null,
	last_run     bigint not null,
	last_job     text not null
);
