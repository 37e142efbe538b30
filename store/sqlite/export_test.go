package sqlite

// DSN is the data source name of a file, for tests that go behind the store.
func DSN(path string) string { return dsn(path, "") }
