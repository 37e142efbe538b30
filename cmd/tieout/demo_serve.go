package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"tieout/audit"
	"tieout/demo/engaged"
	"tieout/report/attest"
)

// Where the demo's servers listen, unless another program does.
const (
	clientListens = "127.0.0.1:8731"
	firmListens   = "127.0.0.1:8732"
	clientAddress = "http://localhost:8731"
	firmAddress   = "http://localhost:8732"
)

// servers are the addresses of both rooms, and what listens there, if anything
// does.
type servers struct {
	client, firm        string
	toClient, toTheFirm net.Listener
}

// listen takes the ports before anything is said of them, the firm's where there
// is one: the usual ones where they are free.
func listen(firm bool) (s servers, err error) {
	if s.toClient, s.client, err = listenAt(clientListens); err != nil || !firm {
		return s, err
	}
	if s.toTheFirm, s.firm, err = listenAt(firmListens); err != nil {
		return s, errors.Join(err, s.toClient.Close())
	}
	return s, nil
}

func listenAt(usual string) (net.Listener, string, error) {
	l, err := net.Listen("tcp", usual)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return l, "http://localhost:" + port, err
}

// close closes what listens; a server that served has closed its own.
func (s servers) close() {
	_ = s.toClient.Close()
	if s.toTheFirm != nil {
		_ = s.toTheFirm.Close()
	}
}

// rooms are where each workspace is served; where none is, the command that does.
func (s servers) rooms(dir string) (client, firm string) {
	if s.toClient != nil {
		return s.client, s.firm
	}
	serve := func(folder string) string { return "tieout -w " + filepath.Join(dir, folder) + " serve" }
	return serve(clientFolder), serve(firmFolder) + " --listen " + firmListens
}

// demoServe serves the workspaces to this machine until one of them stops.
func (a *app) demoServe(ctx context.Context, dir string, s servers) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var both sync.WaitGroup
	errs := make(chan error, 2)
	serve := func(folder string, l net.Listener) {
		both.Go(func() {
			defer cancel()
			errs <- a.serveOn(ctx, filepath.Join(dir, folder), l, serveFlags{listen: l.Addr().String(), workers: 1})
		})
	}
	serve(clientFolder, s.toClient)
	if s.toTheFirm != nil {
		serve(firmFolder, s.toTheFirm)
	}
	both.Wait()
	close(errs)
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// printIssued says what the examination came to, and where its report lies.
func (a *app) printIssued(dir string, played engaged.Played) {
	w := a.env.Stdout
	words := ""
	for _, o := range played.Report.Opinions {
		words += fmt.Sprintf(" On %s: %s.", attest.PartName(o.Part), o.Word)
	}
	fmt.Fprintln(w)
	a.say(fmt.Sprintf("The examination of that year, played by invented people: %s of operation found %s, of which %d in samples and %d outside them; which are which follows from draws that are new each time. %s seeded in what is not examined. The report %s is issued.%s",
		count(played.Tests, "test", "tests"), count(played.Sampled+played.Outside, "deviation", "deviations"), played.Sampled, played.Outside,
		count(len(played.NotExamined), "deviation was", "deviations were"), played.Report.ID, words))
	a.say(fmt.Sprintf("Engagement %s stands in testing: a grid half marked, a request returned, an exception that is not released. Go on with it in the firm's room.", engaged.Testing))
	at := filepath.Join(dir, reportsFolder)
	fmt.Fprintf(w, "\n  report    %s, .html, .docx, .xlsx, .json\n  OSCAL     %s\n  packets   %s\n", filepath.Join(at, "report.pdf"), filepath.Join(at, "oscal"), filepath.Join(dir, packetFolder))
	fmt.Fprintf(w, "\nNext\n  tieout verify %s\n", filepath.Join(at, "report.pdf"))
}

// printRoom says who operates a workspace, where it is served or by which command,
// and who can sign in with what.
func (a *app) printRoom(name, operators, at string, people []*signIn, password string) {
	fmt.Fprintf(a.env.Stdout, "\n%s, operated by %s: %s\n", name, operators, at)
	printPeople(a.env.Stdout, people, password)
}
