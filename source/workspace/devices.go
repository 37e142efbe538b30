package workspace

import (
	"context"
	"encoding/json"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// deviceFacts are the employee numbers of those whose devices a page lists.
type deviceFacts struct {
	Numbers map[string]string `json:"numbers,omitempty"` // by address
}

func (r *run) mobile(ctx context.Context) error {
	path := "/devices/mobile?maxResults=100&projection=FULL&fields=kind,nextPageToken,mobiledevices(resourceId,deviceId,serialNumber,hardwareId,imei,email,model,os,type,status,encryptionStatus,deviceCompromisedStatus,lastSync)"
	return r.devices(ctx, scopeMobile, scopeMobileDevice, kindMobileList, kindMobile, listMobile, path)
}

func (r *run) chrome(ctx context.Context) error {
	path := "/devices/chromeos?maxResults=100&projection=FULL&fields=kind,nextPageToken,chromeosdevices(deviceId,serialNumber,annotatedUser,status,osVersion,autoUpdateThrough,lastDeprovisionTimestamp,lastSync)"
	return r.devices(ctx, scopeChrome, scopeChromeDevice, kindChromeList, kindChrome, listChrome, path)
}

// devices reads one kind of device and seals each page again with the employee
// numbers of those they belong to.
func (r *run) devices(ctx context.Context, permission, scope, listKind, kind string, l listing, path string) error {
	s := r.Snapshot("device", scope, cannotDevices, kind)
	streams := []*source.Stream{s}
	if r.c.Person != "" {
		streams = append(streams, r.Snapshot("link", scope, cannotDevices, kind))
	}
	l = l.at("/admin/directory/v1/customer/" + r.c.settings.Customer + path)
	each := func(devices []json.RawMessage) error {
		facts := deviceFacts{Numbers: map[string]string{}}
		elements := rest.NewSheet(nil)
		for _, e := range devices {
			elements.AddElement(partDevice, e)
			for _, who := range owners(e) {
				if n := r.numbers[who]; n != "" {
					facts.Numbers[who] = n
				}
			}
		}
		sheet := rest.NewSheet(facts)
		sheet.Answers = elements.Answers
		query, _, _ := strings.Cut(l.path, "?")
		return r.Seal(ctx, audit.Page{Kind: kind, Scope: scope, Query: "GET " + query + ", with whose they are", Body: sheet.Encode()}, streams...)
	}
	if _, err := r.list(ctx, r.directory(permission), rest.List{Kind: listKind, Scope: scope}, l, each, streams...); err != nil {
		return err
	}
	return r.Close(ctx, streams...)
}

// owners are the addresses of those a device belongs to, in small letters.
func owners(e json.RawMessage) []string {
	var d struct {
		Email         []string `json:"email"`
		AnnotatedUser string   `json:"annotatedUser"`
	}
	if json.Unmarshal(e, &d) != nil {
		return nil
	}
	var out []string
	for _, a := range append(d.Email, d.AnnotatedUser) {
		if strings.Contains(a, "@") {
			out = append(out, strings.ToLower(strings.TrimSpace(a)))
		}
	}
	return out
}
