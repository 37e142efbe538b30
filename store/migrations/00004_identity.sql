-- How else people sign in, and who says which accounts there are: passkeys,
-- identities at other issuers, what a directory says of accounts and groups.

-- +goose Up
alter table account_grants add column via text not null default '';

create table passkeys (
	id         bytea primary key check (octet_length(id) between 1 and 1023),
	account    text not null references accounts (id),
	name       text not null,
	credential bytea not null,
	created    bigint not null,
	used       bigint not null,
	version    bigint not null
);
create index passkeys_account on passkeys (account);

create table challenges (
	hash    bytea primary key check (octet_length(hash) = 32),
	sealed  bytea not null,
	expires bigint not null
);
create index challenges_expires on challenges (expires);

create table identities (
	issuer  text not null,
	subject text not null,
	account text not null references accounts (id),
	linked  bigint not null,
	primary key (issuer, subject)
);
create index identities_account on identities (account);

create table directory_users (
	account     text primary key references accounts (id),
	user_name   text not null unique,
	external_id text not null,
	given       text not null,
	family      text not null,
	changed     bigint not null,
	gone        bigint not null check (gone in (0, 1))
);

create table directory_groups (
	id          text primary key,
	name        text not null unique,
	external_id text not null,
	created     bigint not null,
	changed     bigint not null,
	version     bigint not null
);

create table directory_members (
	in_group text not null references directory_groups (id),
	account  text not null references accounts (id),
	primary key (in_group, account)
);
create index directory_members_account on directory_members (account);
