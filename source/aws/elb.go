package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"tieout/source"
	"tieout/source/rest"
)

const kindBalancer = "aws.elb.balancer" // one load balancer, its listeners, attributes and firewall

type balancer struct {
	ARN    string `xml:"LoadBalancerArn" json:"arn"`
	Name   string `xml:"LoadBalancerName" json:"name"`
	Scheme string `xml:"Scheme" json:"scheme"`
	Type   string `xml:"Type" json:"type"`
	State  string `xml:"State>Code" json:"state"`
}

// readBalancers lists load balancers and seals each with what else is asked of it.
func readBalancers(ctx context.Context, v *visit) error {
	streams := v.of("resource")
	var all []balancer
	ask := form(elb, "DescribeLoadBalancers", "PageSize", "400")
	_, err := v.list(ctx, elb, rest.List{Kind: kindList, Ask: ask, Next: nextForm(elb, ask, "DescribeLoadBalancersResult/NextMarker", "Marker"), Each: func(a rest.Answer) (bool, error) {
		var d struct {
			XMLName xml.Name `xml:"DescribeLoadBalancersResponse"`
			List    *struct {
				Items []balancer `xml:"member"`
			} `xml:"DescribeLoadBalancersResult>LoadBalancers"`
		}
		if err := readXML(a.Body, &d); err != nil || d.List == nil {
			return false, errors.New("the answer has no list of load balancers")
		}
		all = append(all, d.List.Items...)
		return true, nil
	}}, streams...)
	if err != nil {
		return err
	}
	for _, b := range all {
		if err := v.balancer(ctx, b, streams); err != nil {
			return err
		}
	}
	return nil
}

// moreListeners follows a list of listeners; a load balancer has at most a few pages of them.
const moreListeners = 20

func (v *visit) balancer(ctx context.Context, b balancer, streams []*source.Stream) error {
	sheet := rest.NewSheet(b) // what the list said of it, so that the page can be read alone
	client := v.to(elb, v.region)
	for _, s := range streams {
		s.Asked("elasticloadbalancing DescribeListeners, DescribeLoadBalancerAttributes and wafv2 GetWebACLForResource for each load balancer")
	}
	ask := form(elb, "DescribeListeners", "LoadBalancerArn", b.ARN, "PageSize", "400")
	next := nextForm(elb, ask, "DescribeListenersResult/NextMarker", "Marker")
	for n := 0; n < moreListeners; n++ {
		a, err := v.ask(ctx, sheet, "listeners", client, ask, nil, streams...)
		if err != nil {
			return err
		}
		if !a.OK() {
			break
		}
		more, err := next(a)
		if err != nil || more == nil {
			break
		}
		ask = *more
	}
	if _, err := v.ask(ctx, sheet, "attributes", client, form(elb, "DescribeLoadBalancerAttributes", "LoadBalancerArn", b.ARN), nil, streams...); err != nil {
		return err
	}
	if b.Type == "application" {
		ask := target(wafv2, "GetWebACLForResource", body{"ResourceArn": b.ARN})
		if _, err := v.ask(ctx, sheet, "firewall", v.to(wafv2, v.region), ask, []string{"WAFNonexistentItemException"}, streams...); err != nil {
			return err
		}
	}
	return v.seal(ctx, kindBalancer, "elasticloadbalancing settings of "+b.ARN, sheet, streams...)
}

type listener struct {
	Port     string `xml:"Port"`
	Protocol string `xml:"Protocol"`
	Actions  []struct {
		Type string `xml:"Type"`
		To   string `xml:"RedirectConfig>Protocol"`
	} `xml:"DefaultActions>member"`
}

// listenersOf are the listeners of a balancer, and whether all were told.
func listenersOf(sheet *rest.Sheet) (list []listener, whole bool) {
	for _, a := range sheet.Answers {
		if a.Part != "listeners" {
			continue
		}
		var d struct {
			XMLName xml.Name `xml:"DescribeListenersResponse"`
			List    *struct {
				Items []listener `xml:"member"`
			} `xml:"DescribeListenersResult>Listeners"`
			More string `xml:"DescribeListenersResult>NextMarker"`
		}
		if !a.OK() || readXML(a.Bytes(), &d) != nil || d.List == nil {
			return nil, false
		}
		list, whole = append(list, d.List.Items...), d.More == ""
	}
	return list, whole
}

// sealed reports whether nothing goes through a listener in the clear: it speaks
// TLS, or sends the caller to where TLS is spoken.
func (l listener) sealed() bool {
	if l.Protocol == "HTTPS" || l.Protocol == "TLS" || l.Protocol == "QUIC" {
		return true
	}
	for _, a := range l.Actions {
		if a.Type != "redirect" || a.To != "HTTPS" {
			return false
		}
	}
	return l.Protocol == "HTTP" && len(l.Actions) > 0
}

func normalBalancer(p *page) error {
	var b balancer
	sheet, err := p.sheet(&b)
	if err != nil {
		return err
	}
	if b.ARN == "" {
		return errors.New("the page names no load balancer")
	}
	f := source.Fields{}
	if b.Scheme != "" {
		f["public"] = b.Scheme == "internet-facing"
	}
	if b.State != "" {
		f["enabled"] = b.State == "active" || b.State == "active_impaired"
	}
	if list, whole := listenersOf(sheet); whole {
		listenerFields(f, list, b.Scheme)
	}
	if on := attribute(partOf(sheet, "attributes"), "access_logs.s3.enabled"); on != "" {
		f["logging"] = flagOf(on)
	}
	if a := partOf(sheet, "firewall", "WAFNonexistentItemException"); a.known {
		f["waf"] = firewalled(a)
	}
	p.resource(b.ARN, "load balancer", b.Name, nil, f)
	return nil
}

// listenerFields add which ports are open, and whether all of them are encrypted.
func listenerFields(f source.Fields, list []listener, scheme string) {
	open, sealed := []string{}, len(list) > 0
	for _, l := range list {
		sealed = sealed && l.sealed()
		if l.Protocol != "UDP" && l.Protocol != "QUIC" { // TCP_UDP and TCP_QUIC are both
			open = append(open, l.Port)
		}
		if strings.Contains(l.Protocol, "UDP") || strings.Contains(l.Protocol, "QUIC") {
			open = append(open, l.Port+"/udp")
		}
	}
	if len(list) > 0 {
		f["encrypted"] = sealed
	}
	slices.Sort(open)
	switch scheme {
	case "internet-facing":
		f["openPorts"] = slices.Compact(open)
	case "internal":
		f["openPorts"] = []string{}
	}
}

func attribute(a asked, name string) string {
	var d struct {
		XMLName xml.Name `xml:"DescribeLoadBalancerAttributesResponse"`
		Items   []struct {
			Key   string `xml:"Key"`
			Value string `xml:"Value"`
		} `xml:"DescribeLoadBalancerAttributesResult>Attributes>member"`
	}
	if !a.known || readXML(a.body, &d) != nil {
		return ""
	}
	for _, i := range d.Items {
		if i.Key == name {
			return i.Value
		}
	}
	return ""
}

// firewalled is whether a web access list is on the balancer.
func firewalled(a asked) any {
	if a.none {
		return false
	}
	var d map[string]json.RawMessage
	if json.Unmarshal(a.body, &d) != nil || d == nil {
		return nil
	}
	acl := d["WebACL"]
	return len(acl) > 0 && string(acl) != "null"
}
