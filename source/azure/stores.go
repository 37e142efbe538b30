package azure

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/cloud"
)

// A storeReader gives the kind of a data store and its fields.
type storeReader func(r *reading, w row, f source.Fields) (kind string, err error)

var storeReaders = map[string]storeReader{
	"microsoft.storage/storageaccounts":         (*reading).storage,
	"microsoft.sql/servers/databases":           (*reading).sql,
	"microsoft.documentdb/databaseaccounts":     (*reading).cosmos,
	"microsoft.compute/disks":                   (*reading).disk,
	"microsoft.dbforpostgresql/flexibleservers": (*reading).flexible,
	"microsoft.dbformysql/flexibleservers":      (*reading).flexible,
	"microsoft.cache/redis":                     (*reading).redis,
}

func (r *reading) store(w row) error {
	read := storeReaders[strings.ToLower(w.Type)]
	if read == nil {
		return fmt.Errorf("%q is no data store", w.Type)
	}
	f := source.Fields{"name": w.Name, "region": region(w)}
	kind, err := read(r, w, f)
	if err != nil {
		return err
	}
	f["kind"] = kind
	r.Labels.Put(f, "datastore", w.Tags)
	r.Add("datastore", w.id(), time.Time{}, f)
	return nil
}

// access is the switch that many services have for the internet as a whole.
type access struct {
	Public string `json:"publicNetworkAccess"`
}

// reachable is whether it has an address that the internet can reach.
func (a access) reachable() any {
	switch strings.ToLower(a.Public) {
	case "disabled":
		return false
	case "enabled":
		return true
	}
	return nil
}

// zones is whether a kind of redundancy is of more than one site: LRS keeps
// copies in one, ZRS, GRS and their kin in more.
func zones(sku string) any {
	_, kind, _ := strings.Cut(strings.ToUpper(sku), "_")
	switch {
	case kind == "":
		return nil
	case strings.HasSuffix(kind, "LRS"):
		return false
	case strings.HasSuffix(kind, "ZRS"), strings.HasSuffix(kind, "GRS"):
		return true
	}
	return nil
}

// storage is a storage account (Storage, schema StorageAccount).
func (r *reading) storage(w row, f source.Fields) (string, error) {
	var d struct {
		access
		BlobPublic *bool `json:"allowBlobPublicAccess"`
		HTTPS      *bool `json:"supportsHttpsTrafficOnly"`
		ACLs       struct {
			Default string `json:"defaultAction"`
		} `json:"networkAcls"`
		Encryption *struct {
			KeySource string `json:"keySource"`
			Services  struct {
				Blob *struct {
					Enabled *bool `json:"enabled"`
				} `json:"blob"`
			} `json:"services"`
		} `json:"encryption"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["tlsRequired"], f["redundant"] = told(d.HTTPS), zones(w.SKU.Name)
	if e := d.Encryption; e != nil {
		if e.Services.Blob != nil {
			f["encrypted"] = told(e.Services.Blob.Enabled)
		}
		if strings.EqualFold(e.KeySource, "Microsoft.Storage") {
			f["key"] = ""
		}
	}
	if d.reachable() == false || d.ACLs.Default == "Deny" || d.BlobPublic != nil && !*d.BlobPublic {
		f["public"] = false
	}
	return "bucket", nil
}

// sql is a database of Azure SQL (Sql, schema Database), with its server.
func (r *reading) sql(w row, f source.Fields) (string, error) {
	var d struct {
		Zones    *bool  `json:"zoneRedundant"`
		Earliest string `json:"earliestRestoreDate"`
	}
	var server struct {
		access
		TLS string `json:"minimalTlsVersion"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	if w.Server != nil {
		if err := json.Unmarshal(w.Server, &server); err != nil {
			return "", fmt.Errorf("server: %w", err)
		}
	}
	f["redundant"], f["public"] = told(d.Zones), server.reachable()
	if d.Earliest != "" { // there is something to restore from: the service backs it up
		f["backedUp"], f["versioning"] = true, true
	}
	if strings.HasPrefix(server.TLS, "1.") {
		f["tlsRequired"] = true
	}
	return "database", nil
}

// cosmos is an account of Cosmos DB (DocumentDB, schema DatabaseAccount). What
// it keeps is always encrypted (Data encryption in Azure Cosmos DB).
func (r *reading) cosmos(w row, f source.Fields) (string, error) {
	var d struct {
		access
		KeyVault string `json:"keyVaultKeyUri"`
		TLS      string `json:"minimalTlsVersion"`
		Backup   struct {
			Type string `json:"type"`
		} `json:"backupPolicy"`
		Locations []struct {
			Zones bool `json:"isZoneRedundant"`
		} `json:"locations"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["encrypted"], f["public"] = true, d.reachable()
	switch d.Backup.Type {
	case "Continuous":
		f["backedUp"], f["versioning"] = true, true
	case "Periodic":
		f["backedUp"] = true
	}
	if strings.HasPrefix(strings.ToLower(d.TLS), "tls") {
		f["tlsRequired"] = true
	}
	if n := len(d.Locations); n > 0 {
		f["redundant"] = n > 1 || d.Locations[0].Zones
	}
	return "database", nil
}

// disk is a managed disk (Compute, schema Disk). It is reached from outside only
// while it is open for export.
func (r *reading) disk(w row, f source.Fields) (string, error) {
	var d struct {
		access
		Policy     string `json:"networkAccessPolicy"`
		State      string `json:"diskState"`
		Encryption struct {
			Type string `json:"type"`
		} `json:"encryption"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["redundant"] = zones(w.SKU.Name)
	if strings.HasPrefix(d.Encryption.Type, "EncryptionAtRest") {
		f["encrypted"] = true
	}
	if d.Encryption.Type == "EncryptionAtRestWithPlatformKey" {
		f["key"] = ""
	}
	switch {
	case d.reachable() == false || d.Policy == "DenyAll" || d.Policy == "AllowPrivate":
		f["public"] = false
	case d.State != "" && d.Policy == "AllowAll":
		f["public"] = strings.HasPrefix(d.State, "ActiveSAS")
	}
	return "volume", nil
}

// flexible is a flexible server of PostgreSQL or MySQL (schema Server).
func (r *reading) flexible(w row, f source.Fields) (string, error) {
	var d struct {
		Network access `json:"network"`
		Backup  struct {
			Days *int `json:"backupRetentionDays"`
		} `json:"backup"`
		High struct {
			Mode string `json:"mode"`
		} `json:"highAvailability"`
		Encryption struct {
			Type string `json:"type"`
		} `json:"dataEncryption"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["public"] = d.Network.reachable()
	if d.Backup.Days != nil {
		f["backedUp"], f["versioning"] = *d.Backup.Days > 0, *d.Backup.Days > 0
	}
	if d.High.Mode != "" {
		f["redundant"] = d.High.Mode == "ZoneRedundant"
	}
	switch d.Encryption.Type {
	case "SystemManaged":
		f["encrypted"], f["key"] = true, ""
	case "SystemAssigned", "AzureKeyVault":
		f["encrypted"] = true
	}
	return "database", nil
}

// redis is a cache (Cache, schema RedisResource).
func (r *reading) redis(w row, f source.Fields) (string, error) {
	var d struct {
		access
		Plain *bool `json:"enableNonSslPort"`
	}
	if err := json.Unmarshal(w.Properties, &d); err != nil {
		return "", err
	}
	f["public"] = d.reachable()
	if d.Plain != nil {
		f["tlsRequired"] = !*d.Plain
	}
	return "cache", nil
}

// anyBlock reports whether one of the ranges is every address.
func anyBlock(ranges []string) bool {
	for _, e := range ranges {
		if cloud.Anywhere(e) {
			return true
		}
	}
	return false
}
