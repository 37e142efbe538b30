-- Who may do what: accounts, what they sign in with, and what they did. Secrets
-- are here only as hashes; the second factor's secret is encrypted.

-- +goose Up
insert into counters (name, n) values ('activity', 0);

create table accounts (
	id         text primary key,
	email      text not null unique,
	name       text not null,
	status     text not null check (status in ('invited', 'active', 'suspended')),
	created    bigint not null,
	password   text not null,
	otp        bytea not null,
	otp_active bigint not null check (otp_active in (0, 1)),
	otp_step   bigint not null,
	rights     bigint not null,
	version    bigint not null
);

create table account_grants (
	account text not null references accounts (id),
	role    text not null,
	scope   text not null,
	object  text not null,
	primary key (account, role, scope, object)
);

create table recovery_codes (
	account text not null references accounts (id),
	hash    bytea not null check (octet_length(hash) = 32),
	primary key (account, hash)
);

create table invitations (
	hash    bytea primary key check (octet_length(hash) = 32),
	account text not null references accounts (id),
	expires bigint not null,
	factors bigint not null check (factors in (0, 1))
);
create index invitations_account on invitations (account);

create table sessions (
	hash      bytea primary key check (octet_length(hash) = 32),
	id        text not null unique,
	account   text not null references accounts (id),
	pending   bigint not null check (pending in (0, 1)),
	method    text not null,
	signed_in bigint not null,
	created   bigint not null,
	used      bigint not null,
	expires   bigint not null,
	rights    bigint not null,
	address   text not null,
	agent     text not null
);
create index sessions_account on sessions (account);

create table api_tokens (
	id          text primary key,
	hash        bytea not null unique check (octet_length(hash) = 32),
	account     text not null references accounts (id),
	name        text not null,
	permissions text not null,
	created     bigint not null,
	expires     bigint not null,
	used        bigint not null
);
create index api_tokens_account on api_tokens (account);

create table attempts (
	subject  text primary key,
	failures bigint not null,
	at       bigint not null,
	blocked  bigint not null
);

create table activities (
	n         bigint primary key,
	id        text not null unique,
	at        bigint not null,
	canonical bytea not null,
	record    bigint not null
);
create index activities_unsealed on activities (n) where record = -1;
