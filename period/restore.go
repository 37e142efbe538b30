package period

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tieout/audit"
	"tieout/definition"
	"tieout/source"
)

// Restore reads a backup into the store that the workspace's tieout.yaml names,
// which must be empty or missing. The log is not opened: whether the restored
// store continues what was published is for the next Open to say.
func Restore(ctx context.Context, dir string, o Options, file string) (err error) {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	def, err := definition.Load(dir)
	if err != nil {
		return err
	}
	p := &Program{Dir: dir, Def: def, Now: o.Now}
	p.Env = source.Env{Dir: dir, Secret: secrets(dir, o.Getenv)}
	if err := p.openStore(ctx, true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Store.Close()) }()
	return p.Store.Restore(ctx, file)
}
