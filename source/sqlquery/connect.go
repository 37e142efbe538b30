package sqlquery

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"tieout/audit"
	"tieout/source"
)

// database opens a pool of one connection; nothing is dialed yet.
func database(dsn, allow string) (*sql.DB, error) {
	conf, err := configuration(dsn, allow)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*conf)
	db.SetMaxOpenConns(1)
	return db, nil
}

// configuration reads an address. The text is in no error: it holds a password.
func configuration(dsn, allow string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, fmt.Errorf("%w: dsn: what it refers to is no address such as postgres://USER:PASSWORD@HOST/DATABASE", audit.ErrInvalid)
	}
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: dsn: what it refers to cannot be read as postgres://USER:PASSWORD@HOST/DATABASE", audit.ErrInvalid)
	}
	if allow == "" && !verified(conf) {
		return nil, fmt.Errorf("%w: dsn: write sslmode=verify-full; connections whose certificate is not verified are for addresses that `allow:` names", audit.ErrInvalid)
	}
	conf.DialFunc = dial(allow)
	conf.ConnectTimeout = 30 * time.Second
	conf.RuntimeParams["application_name"] = "tieout"
	return conf, nil
}

// verified reports that every way to connect checks the server's certificate and name.
func verified(conf *pgx.ConnConfig) bool {
	checks := func(c *tls.Config) bool { return c != nil && !c.InsecureSkipVerify && c.ServerName != "" }
	for _, f := range conf.Fallbacks {
		if !checks(f.TLSConfig) {
			return false
		}
	}
	return checks(conf.TLSConfig)
}

// dial connects where allow lets it; a socket in the file system is this machine.
func dial(allow string) pgconn.DialFunc {
	d := source.Dialer(allow)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "unix" {
			return d.DialContext(ctx, network, address)
		}
		if allow != "loopback" {
			return nil, fmt.Errorf("%s is this machine: %w; say `allow: loopback` if it is meant", address, source.ErrAddress)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// begin opens the transaction a stream is read in: it sees one state of the
// database and can change nothing.
func begin(ctx context.Context, db *sql.DB, timeout time.Duration) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	for _, set := range []string{
		fmt.Sprintf("set local statement_timeout = %d", timeout.Milliseconds()),
		"set local timezone = 'UTC'",
		"set local datestyle = 'ISO'",
	} {
		if _, err := tx.ExecContext(ctx, set); err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
	}
	return tx, nil
}
