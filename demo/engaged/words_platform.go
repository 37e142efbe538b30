package engaged

// ofPlatform are about data stores, networks, backups, laptops and weaknesses.
var ofPlatform = map[string]wording{
	"backup.daily":           {"For a sample of production databases and days, inspected the record of the day's backup and its result.", "A backup of the database succeeded on the day."},
	"backup.protected":       {"For a sample of backups, inspected the account in which the backup was kept, its encryption and its lock against deletion.", "The backup was kept in another account, encrypted and locked."},
	"backup.restore":         {"For each production database and half-year, inspected the record of the restore and of the check of the restored data.", "A backup was restored and the restored data were checked."},
	"datastore.encryption":   {"For each production data store, inspected its setting for encryption at rest.", "The data store was encrypted at rest."},
	"datastore.owner":        {"For a sample of data stores, inspected the inventory for an owner.", "The inventory names an owner of the data store."},
	"datastore.public":       {"For a sample of data stores, inspected the settings for access from outside.", "The data store could not be read from the internet."},
	"datastore.redundant":    {"For each production database, inspected the zones over which it runs.", "The database runs over more than one zone."},
	"datastore.register":     {"For each production data store, inspected the inventory for a classification.", "The data store carries a classification."},
	"datastore.retention":    {"For each data store with confidential data, inspected the schedule by which data are deleted.", "The data store deletes by a schedule."},
	"datastore.testdata":     {"For each data store outside production, inspected the class of the data it holds.", "The data store holds no data of production."},
	"datastore.transit":      {"For each production data store, inspected whether it refuses connections that are not encrypted.", "The data store accepts encrypted connections only."},
	"device.admins":          {"For a sample of laptops, inspected who holds administrative rights on the laptop and compared them with the approved list.", "Only people on the approved list can install software."},
	"device.disk":            {"For a sample of laptops, inspected the encryption of every fixed volume.", "All fixed volumes were encrypted."},
	"device.disposal":        {"For each laptop taken out of use, inspected the record of the destruction of its data and its date.", "The data were destroyed within 30 days, with a record."},
	"device.firewall":        {"For a sample of laptops, inspected whether the setting of the host firewall departed from the baseline, and for how long.", "The setting agreed with the baseline, or was corrected in five business days."},
	"device.lock":            {"For a sample of laptops, inspected the time after which the screen locks.", "The screen locked after at most 15 minutes."},
	"device.media":           {"For a sample of laptops, inspected the setting for removable storage.", "Removable storage was blocked or had to be encrypted."},
	"device.os":              {"For a sample of laptops, inspected the version of the operating system and the date of the last update.", "The version was supported and updated within 30 days."},
	"device.signatures":      {"For a sample of laptops, inspected the date of the malware signatures.", "The signatures were kept up to date."},
	"device.silent":          {"For a sample of laptops, inspected when the laptop last reported to device management, and its holder.", "The laptop reported, and its holder is recorded."},
	"resource.detection":     {"For each cloud account, inspected whether threat detection was switched on.", "Threat detection was switched on."},
	"resource.exposure":      {"For a sample of network rules and resources, inspected which ports are open to the internet.", "No administrative or database port was open to the internet."},
	"resource.logging":       {"For each audit trail of a cloud account, inspected whether it was switched on and how long its records are kept.", "The trail was switched on and kept its records for at least 365 days."},
	"vulnerability.critical": {"For each critical vulnerability, compared the date on which it was found with the date on which it was fixed.", "The vulnerability was fixed within seven days, or accepted in writing."},
	"vulnerability.scan":     {"For a sample of weeks, inspected the result of the vulnerability scan and its date.", "A scan was complete in the week."},
}

// ofRoutines are about incidents and what is done on a schedule.
var ofRoutines = map[string]wording{
	"audit.internal":            {"Inspected the report of the year's internal assessment of controls and whom it was given to.", "The assessment was made in the year and reported."},
	"board.meeting":             {"For each quarter, inspected the minutes of the board for the meeting's date and what it said of security and risk.", "The board met in the quarter and kept minutes."},
	"capacity.review":           {"For each month, inspected the record of the capacity review, its outcome and its date.", "Capacity was reviewed within ten days of the month's end."},
	"customer.deletion":         {"For each removal of a merchant's data at the end of an agreement, compared the date of the removal with the date on which it was asked for.", "The data were removed within 30 days."},
	"firewall.review":           {"For each half-year, inspected the record of the review of firewall rules and its outcome.", "The rules were reviewed in the half-year."},
	"incident.exercise":         {"Inspected the record of the year's incident exercise, its scenario and its actions.", "The exercise was held in the year and its actions are tracked."},
	"incident.handling":         {"For each incident of the two highest severities, inspected the ticket and compared the times of detection, acknowledgement and containment.", "The incident was acknowledged within one hour and contained within 72."},
	"incident.notice":           {"For each incident of which merchants had to be told, compared the time of the notice with the time at which the incident was confirmed.", "Merchants were told within 72 hours."},
	"incident.rootcause":        {"For each incident of the two highest severities, inspected the root cause and compared its date with that of the resolution.", "The root cause was written down within 14 days."},
	"management.review":         {"For each quarter, inspected the minutes of leadership's review of security and its decisions.", "Leadership reviewed security for the quarter and recorded its decisions."},
	"penetration.test":          {"Inspected the report of the year's penetration test, who made it and what was tested.", "A tester from outside the team tested application and network in the year."},
	"privacy.review":            {"Inspected the report of the year's review of practice against the privacy notice.", "The review was made in the year."},
	"processing.reconciliation": {"For a sample of days, inspected the record of the day's reconciliation and the explanation of each difference.", "The day's counts were reconciled by the end of the next day."},
	"recovery.test":             {"Inspected the record of the year's recovery test, its result and its actions.", "Recovery was tested in the year against its objectives."},
	"service.level":             {"For each month, inspected the report of availability against the commitment and its date.", "Availability was measured and reported within ten days of the month's end."},
}
