-- One text for SQLite and PostgreSQL. Instants are bigint microseconds UTC,
-- truth values are bigint 0 or 1, bytes whose order matters are bytea.

-- +goose Up
create table counters (
	name text primary key,
	n    bigint not null
);
insert into counters (name, n) values ('insertion', 0), ('stream', 0), ('revision', 0);

create table records (
	id         text primary key,
	inserted   bigint not null,
	idx        bigint,
	kind       text not null,
	source     text not null,
	collection text not null,
	about_from bigint not null,
	about_to   bigint not null,
	collected  bigint not null,
	recorded   bigint not null,
	digest     text,
	size       bigint not null,
	commitment bytea not null check (octet_length(commitment) = 32),
	salt       bytea check (octet_length(salt) = 32),
	canonical  bytea
);
create unique index records_idx on records (idx) where idx is not null;
create index records_pending on records (inserted) where idx is null;
create index records_kind on records (kind, idx) where idx is not null;
create index records_collection on records (collection, idx) where idx is not null;
create index records_digest on records (digest);

create table bodies (
	record text primary key,
	data   bytea not null
);

create table doomed_blobs (
	digest text primary key
);

create table log_state (
	id     bigint primary key check (id = 1),
	fence  bigint not null,
	holder text not null,
	heads  bigint not null,
	hashes bigint not null
);
insert into log_state (id, fence, holder, heads, hashes) values (1, 0, '', 0, 0);

create table log_heads (
	n     bigint primary key,
	epoch bigint not null,
	size  bigint not null,
	root  bytea not null check (octet_length(root) = 32),
	note  bytea not null
);
create index log_heads_size on log_heads (size, n);

create table log_hashes (
	id   bigint primary key,
	hash bytea not null check (octet_length(hash) = 32)
);

create table cosignatures (
	size      bigint not null,
	name      text not null,
	signature bytea not null,
	primary key (size, name)
);

create table collections (
	id         text primary key,
	source     text not null,
	started    bigint not null,
	ended      bigint not null check (ended in (0, 1)),
	complete   bigint not null check (complete in (0, 1)),
	record     bigint not null,
	end_record bigint not null,
	body       bytea not null,
	end_body   bytea
);
create index collections_source on collections (source, started);

create table cursors (
	collection text not null,
	stream     text not null,
	resume_at  bytea not null,
	primary key (collection, stream)
);

create table streams (
	id       bigint primary key,
	source   text not null,
	scope    text not null,
	type     text not null,
	mode     text not null,
	segments bigint not null,
	unique (type, source, scope, mode)
);

create table coverage (
	stream  bigint not null,
	kind    text not null check (kind in ('point', 'stretch', 'hole')),
	from_at bigint not null,
	to_at   bigint not null,
	record  bigint not null,
	reason  text not null,
	primary key (stream, kind, from_at, to_at, record)
);

create table segments (
	stream   bigint not null,
	n        bigint not null,
	versions bigint not null,
	raw_size bigint not null,
	data     bytea not null,
	primary key (stream, n)
);

create table definitions (
	hash      text primary key,
	canonical bytea not null
);

create table revisions (
	n          bigint primary key,
	hash       text not null references definitions (hash),
	applied    bigint not null,
	actor_kind text not null,
	actor_name text not null,
	record     bigint not null
);

create table runs (
	id         text primary key,
	as_of      bigint not null,
	started    bigint not null,
	definition text not null,
	record     bigint not null
);
create index runs_started on runs (started);

create table run_results (
	run       text not null references runs (id),
	procedure text not null,
	digest    text not null,
	primary key (run, procedure)
);

create table decisions (
	id          text primary key,
	ref         text not null,
	disposition text not null,
	cause       text not null,
	response    text not null,
	why         text not null,
	actor_kind  text not null,
	actor_name  text not null,
	decided     bigint not null,
	record      bigint not null
);
create index decisions_ref on decisions (ref, decided);

create table meta (
	name  text primary key,
	value bytea not null
);

create table leases (
	name    text primary key,
	holder  text not null,
	expires bigint not null,
	token   bigint not null
);
