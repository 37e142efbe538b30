package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"slices"
	"strconv"
	"strings"

	"tieout/source"
	"tieout/source/cloud"
	"tieout/source/rest"
)

const (
	kindGroups        = "aws.ec2.groups"        // one page of security groups
	kindInstances     = "aws.ec2.instances"     // one page of instances
	kindVolumes       = "aws.ec2.volumes"       // one page of volumes
	kindVolumeDefault = "aws.ec2.volumeDefault" // whether new volumes are encrypted
	kindVPCs          = "aws.ec2.vpcs"          // one page of networks
)

var cannotEC2 = []string{
	"network access lists and firewalls that stand before a security group",
	"which addresses a prefix list holds that a security group names: it counts as open to none but those",
	cloud.Cannot,
	"software on an instance, and when it was updated",
}

type groupsPage struct {
	XMLName xml.Name `xml:"DescribeSecurityGroupsResponse"`
	List    *struct {
		Groups []securityGroup `xml:"item"`
	} `xml:"securityGroupInfo"`
}

type securityGroup struct {
	ID      string       `xml:"groupId"`
	Name    string       `xml:"groupName"`
	Ingress []permission `xml:"ipPermissions>item"`
	Tags    []ec2Tag     `xml:"tagSet>item"`
}

type permission struct {
	Protocol string   `xml:"ipProtocol"`
	From     string   `xml:"fromPort"`
	To       string   `xml:"toPort"`
	V4       []string `xml:"ipRanges>item>cidrIp"`
	V6       []string `xml:"ipv6Ranges>item>cidrIpv6"`
}

// open reports whether the permission is for any address.
func (p permission) open() bool {
	return slices.ContainsFunc(p.V4, cloud.Anywhere) || slices.ContainsFunc(p.V6, cloud.Anywhere)
}

// addTo adds what the permission opens: "22" for TCP, "53/udp" for UDP. One
// that names no ports opens all of its protocol.
func (p permission) addTo(ports *cloud.Ports) {
	from, errFrom := strconv.Atoi(p.From)
	to, errTo := strconv.Atoi(p.To)
	if errFrom != nil || errTo != nil || from < 0 || to < 0 {
		from, to = 0, 65535
	}
	switch p.Protocol {
	case "-1":
		ports.Add("tcp", 0, 65535)
		ports.Add("udp", 0, 65535)
	case "tcp", "6":
		ports.Add("tcp", from, to)
	case "udp", "17":
		ports.Add("udp", from, to)
	} // ICMP and others have no ports
}

// openPorts are the ports of a group that are open to any address, in order,
// each once.
func (g securityGroup) openPorts() []string {
	var ports cloud.Ports
	for _, p := range g.Ingress {
		if p.open() {
			p.addTo(&ports)
		}
	}
	return ports.List()
}

// groupFacts say what the security groups of a page's instances open.
type groupFacts struct {
	Open  map[string][]string `json:"open,omitempty"` // ports by group; a group that opens none is not in it
	Known bool                `json:"known"`          // every group was read
}

// readEC2 reads security groups first, so that instances can be said to be open.
func readEC2(ctx context.Context, v *visit) error {
	streams := v.of("resource")
	facts := groupFacts{Open: map[string][]string{}}
	ask := form(ec2, "DescribeSecurityGroups", "MaxResults", "1000")
	f, err := v.list(ctx, ec2, rest.List{Kind: kindGroups, Ask: ask, Next: nextForm(ec2, ask, "nextToken", "NextToken"), Each: func(a rest.Answer) (bool, error) {
		d, err := groupsOf(a.Body)
		for _, g := range d {
			if open := g.openPorts(); len(open) > 0 {
				facts.Open[g.ID] = open
			}
		}
		return true, err
	}}, streams...)
	if err != nil {
		return err
	}
	facts.Known = f.Whole()
	ask = form(ec2, "DescribeInstances", "MaxResults", "1000")
	_, err = v.list(ctx, ec2, rest.List{Kind: kindInstances, Ask: ask, Facts: facts, Next: nextForm(ec2, ask, "nextToken", "NextToken")}, streams...)
	return err
}

func groupsOf(doc []byte) ([]securityGroup, error) {
	var d groupsPage
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return nil, errors.New("the answer has no list of security groups")
	}
	return d.List.Groups, nil
}

func normalGroups(p *page) error {
	groups, err := groupsOf(p.Body)
	for _, g := range groups {
		open := g.openPorts()
		p.resource(p.arn("ec2", "security-group/"+g.ID), "network rule", g.Name, tagsOf(g.Tags), source.Fields{"openPorts": open})
	}
	return err
}

type instancesPage struct {
	XMLName xml.Name `xml:"DescribeInstancesResponse"`
	List    *struct {
		Reservations []struct {
			Instances []instance `xml:"instancesSet>item"`
		} `xml:"item"`
	} `xml:"reservationSet"`
}

type instance struct {
	ID     string   `xml:"instanceId"`
	State  string   `xml:"instanceState>name"`
	Public string   `xml:"ipAddress"`
	V6     []string `xml:"networkInterfaceSet>item>ipv6AddressesSet>item>ipv6Address"`
	Groups []string `xml:"groupSet>item>groupId"`
	Tags   []ec2Tag `xml:"tagSet>item"`
}

func normalInstances(p *page) error {
	var facts groupFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	var d instancesPage
	if err := readXML(partOf(sheet, "list").body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of instances")
	}
	for _, r := range d.List.Reservations {
		for _, i := range r.Instances {
			if i.State != "terminated" {
				p.instance(i, facts)
			}
		}
	}
	return nil
}

func (p *page) instance(i instance, facts groupFacts) {
	tags := tagsOf(i.Tags)
	name, _ := tagged(tags, "Name")
	if name == "" {
		name = i.ID
	}
	f := source.Fields{}
	switch i.State {
	case "running":
		f["enabled"] = true
	case "stopped", "stopping", "shutting-down":
		f["enabled"] = false
	}
	switch {
	case i.Public != "":
		f["public"] = true
	case len(i.V6) == 0:
		f["public"] = false
	}
	if facts.Known {
		open := []string{}
		for _, g := range i.Groups {
			open = append(open, facts.Open[g]...)
		}
		slices.Sort(open)
		f["openPorts"] = slices.Compact(open)
	}
	p.resource(p.arn("ec2", "instance/"+i.ID), "instance", name, tags, f)
}

// readEBS reads volumes, and whether new ones are encrypted by default.
func readEBS(ctx context.Context, v *visit) error {
	ask := form(ec2, "DescribeVolumes", "MaxResults", "500")
	if _, err := v.list(ctx, ec2, rest.List{Kind: kindVolumes, Ask: ask, Next: nextForm(ec2, ask, "nextToken", "NextToken")}, v.of("datastore")...); err != nil {
		return err
	}
	_, err := v.list(ctx, ec2, rest.List{Kind: kindVolumeDefault, Ask: form(ec2, "GetEbsEncryptionByDefault")}, v.of("resource")...)
	return err
}

func normalVolumes(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeVolumesResponse"`
		List    *struct {
			Volumes []struct {
				ID        string   `xml:"volumeId"`
				Encrypted string   `xml:"encrypted"`
				Key       string   `xml:"kmsKeyId"`
				Tags      []ec2Tag `xml:"tagSet>item"`
			} `xml:"item"`
		} `xml:"volumeSet"`
	}
	if err := readXML(p.Body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of volumes")
	}
	for _, v := range d.List.Volumes {
		tags := tagsOf(v.Tags)
		name, _ := tagged(tags, "Name")
		if name == "" {
			name = v.ID
		}
		f := source.Fields{"public": false, "encrypted": flagOf(v.Encrypted)} // a volume is reached through its instance only
		if strings.HasPrefix(v.Key, "arn:") {
			f["key"] = v.Key
		}
		p.datastore(p.arn("ec2", "volume/"+v.ID), "volume", name, tags, f)
	}
	return nil
}

// flagOf is what an answer says of a setting, nil where it does not.
func flagOf(text string) any {
	switch strings.TrimSpace(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}

func normalVolumeDefault(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"GetEbsEncryptionByDefaultResponse"`
		On      string   `xml:"ebsEncryptionByDefault"`
	}
	if err := readXML(p.Body, &d); err != nil || flagOf(d.On) == nil {
		return errors.New("the answer does not say whether new volumes are encrypted")
	}
	p.resource(p.arn("ec2", "ebs-encryption-by-default"), "volume encryption by default", "new volumes in "+p.region, nil,
		source.Fields{"enabled": flagOf(d.On), "openPorts": []string{}})
	return nil
}

// joinFacts say what the networks of a region are joined to, and which of them log traffic.
type joinFacts struct {
	Joins     map[string][]vpcRef `json:"joins,omitempty"`     // by network
	Logged    []string            `json:"logged,omitempty"`    // networks all of whose traffic is logged
	Partly    bool                `json:"partly,omitempty"`    // some subnet or interface logs for itself
	JoinsRead bool                `json:"joinsRead,omitempty"` // peerings and gateways were read whole
	LogsRead  bool                `json:"logsRead,omitempty"`
}

// A vpcRef names a network, or a transit gateway with Gateway.
type vpcRef struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	ID      string `json:"id"`
}

// readVPCs reads what joins networks and logs their traffic, then the networks.
func readVPCs(ctx context.Context, v *visit) error {
	streams := v.of("network")
	facts := joinFacts{Joins: map[string][]vpcRef{}}
	whole := [3]bool{}
	for i, l := range []struct {
		op   string
		each func(doc []byte, facts *joinFacts) error
	}{
		{"DescribeVpcPeeringConnections", peerings},
		{"DescribeTransitGatewayVpcAttachments", gateways},
		{"DescribeFlowLogs", flowLogs},
	} {
		ask := form(ec2, l.op, "MaxResults", "1000")
		f, err := v.list(ctx, ec2, rest.List{Kind: kindList, Ask: ask, Next: nextForm(ec2, ask, "nextToken", "NextToken"), Each: func(a rest.Answer) (bool, error) {
			return true, l.each(a.Body, &facts)
		}}, streams...)
		if err != nil {
			return err
		}
		whole[i] = f.Whole()
	}
	facts.JoinsRead, facts.LogsRead = whole[0] && whole[1], whole[2]
	ask := form(ec2, "DescribeVpcs", "MaxResults", "1000")
	_, err := v.list(ctx, ec2, rest.List{Kind: kindVPCs, Ask: ask, Facts: facts, Next: nextForm(ec2, ask, "nextToken", "NextToken")}, streams...)
	return err
}

type vpcInfo struct {
	Account string `xml:"ownerId"`
	Region  string `xml:"region"`
	ID      string `xml:"vpcId"`
}

func peerings(doc []byte, facts *joinFacts) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeVpcPeeringConnectionsResponse"`
		List    *struct {
			Items []struct {
				Requester vpcInfo `xml:"requesterVpcInfo"`
				Accepter  vpcInfo `xml:"accepterVpcInfo"`
				Status    string  `xml:"status>code"`
			} `xml:"item"`
		} `xml:"vpcPeeringConnectionSet"`
	}
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of peerings")
	}
	for _, c := range d.List.Items {
		if c.Status == "active" {
			facts.Joins[c.Requester.ID] = append(facts.Joins[c.Requester.ID], vpcRef(c.Accepter))
			facts.Joins[c.Accepter.ID] = append(facts.Joins[c.Accepter.ID], vpcRef(c.Requester))
		}
	}
	return nil
}

func gateways(doc []byte, facts *joinFacts) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeTransitGatewayVpcAttachmentsResponse"`
		List    *struct {
			Items []struct {
				Gateway string `xml:"transitGatewayId"`
				VPC     string `xml:"vpcId"`
				State   string `xml:"state"`
			} `xml:"item"`
		} `xml:"transitGatewayVpcAttachments"`
	}
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of attachments")
	}
	for _, a := range d.List.Items {
		if a.State == "available" {
			facts.Joins[a.VPC] = append(facts.Joins[a.VPC], vpcRef{ID: a.Gateway})
		}
	}
	return nil
}

func flowLogs(doc []byte, facts *joinFacts) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeFlowLogsResponse"`
		List    *struct {
			Items []struct {
				Resource string `xml:"resourceId"`
				Status   string `xml:"flowLogStatus"`
				Deliver  string `xml:"deliverLogsStatus"`
				Traffic  string `xml:"trafficType"`
			} `xml:"item"`
		} `xml:"flowLogSet"`
	}
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of flow logs")
	}
	for _, l := range d.List.Items {
		switch {
		case l.Status != "ACTIVE" || l.Deliver == "FAILED":
		case !strings.HasPrefix(l.Resource, "vpc-"):
			facts.Partly = true
		case l.Traffic == "ALL":
			facts.Logged = append(facts.Logged, l.Resource)
		}
	}
	return nil
}

func normalVPCs(p *page) error {
	var facts joinFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	var d struct {
		XMLName xml.Name `xml:"DescribeVpcsResponse"`
		List    *struct {
			VPCs []struct {
				ID   string   `xml:"vpcId"`
				Tags []ec2Tag `xml:"tagSet>item"`
			} `xml:"item"`
		} `xml:"vpcSet"`
	}
	if err := readXML(partOf(sheet, "list").body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of networks")
	}
	for _, v := range d.List.VPCs {
		tags := tagsOf(v.Tags)
		name, _ := tagged(tags, "Name")
		if name == "" {
			name = v.ID
		}
		f := source.Fields{"name": name, "provider": "aws", "account": p.account, "region": p.region, "environment": p.environment(tags)}
		p.joins(f, v.ID, facts)
		p.out.Add("network", p.arn("ec2", "vpc/"+v.ID), zero, f)
	}
	return nil
}

// joins adds what a network is joined to and whether its traffic is logged.
// The environments joined are told only where every one of them is known.
func (p *page) joins(f source.Fields, id string, facts joinFacts) {
	if facts.LogsRead {
		switch {
		case slices.Contains(facts.Logged, id):
			f["flowLogs"] = true
		case !facts.Partly:
			f["flowLogs"] = false
		}
	}
	if !facts.JoinsRead {
		return
	}
	joins, envs, all := []string{}, []string{}, true
	for _, r := range facts.Joins[id] {
		joins = append(joins, p.nameOf(r))
		env, known := p.environmentOf(r.Account).(string)
		if all = all && known; known {
			envs = append(envs, env)
		}
	}
	slices.Sort(joins)
	slices.Sort(envs)
	f["joins"] = slices.Compact(joins)
	if all {
		f["joinsEnvironments"] = slices.Compact(envs)
	}
}

// nameOf is the id of the network that a reference names. One that does not say
// where it is lies where the page does.
func (p *page) nameOf(r vpcRef) string {
	at := *p
	if r.Account != "" {
		at.account = r.Account
	}
	if r.Region != "" {
		at.region = r.Region
	}
	if strings.HasPrefix(r.ID, "tgw-") {
		return at.arn("ec2", "transit-gateway/"+r.ID)
	}
	return at.arn("ec2", "vpc/"+r.ID)
}
