package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-provider-aws/xpprovider"
)

// rehearse makes a mistake with this plugin on a real account impossible. Twice: it refuses to be
// configured unless every endpoint is on this machine, and its connections end on this machine
// whatever it was told, those of credentials and of the account's number included.
func rehearse(ctx context.Context, sdk *schema.Provider) error {
	client, known := sdk.Meta().(*xpprovider.AWSClient)
	if !known {
		return fmt.Errorf("the Terraform provider keeps its AWS client elsewhere, so it cannot be held to this machine")
	}
	client.SetHTTPClient(ctx, homebound())
	configure := sdk.ConfigureContextFunc
	sdk.ConfigureContextFunc = func(ctx context.Context, data *schema.ResourceData) (any, diag.Diagnostics) {
		set, _ := data.Get("endpoints").(*schema.Set)
		if complaint := refusal(set.List()); complaint != "" {
			return nil, diag.Errorf("%s", complaint)
		}
		return configure(ctx, data)
	}
	return nil
}

// refusal says what keeps a configuration from being a rehearsal's, or nothing.
func refusal(endpoints []any) string {
	here := map[string]bool{}
	var elsewhere []string
	for _, block := range endpoints {
		named, _ := block.(map[string]any)
		for service, value := range named {
			address, _ := value.(string)
			if address == "" {
				continue
			}
			here[service] = isHere(address)
			if !here[service] {
				elsewhere = append(elsewhere, fmt.Sprintf("aws:endpoints[0].%s is %q", service, address))
			}
		}
	}
	var unset []string
	for _, service := range strings.Fields(services) {
		// What is known of regions and partitions is in the plugin: meta asks nobody.
		if _, given := here[service]; !given && service != "meta" {
			unset = append(unset, service)
		}
	}
	slices.Sort(elsewhere)
	if len(unset) > 0 {
		elsewhere = append(elsewhere, "aws:endpoints[0] has nothing for "+strings.Join(unset, ", "))
	}
	if len(elsewhere) == 0 {
		return ""
	}
	return "This aws plugin is for rehearsals only and never works on an account, so every endpoint has to be a " +
		"URL with a loopback address of this machine, such as http://127.0.0.1:4566, and " +
		strings.Join(elsewhere, "; ") + ". Nothing was read or changed. For a rehearsal, set what is missing; " +
		"for an account, use the official plugin: take the folder of this one off PATH and let pulumi install " +
		"its own (pulumi plugin install resource aws " + version + ")."
}

// isHere says whether a URL leads to this machine. A name does not, not even localhost: what it
// means is for a resolver to say.
func isHere(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.User != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return false
	}
	host, err := netip.ParseAddr(parsed.Hostname())
	return err == nil && host.IsLoopback()
}

// homebound is an HTTP client that reaches this machine and nothing else: no proxy, no name server.
func homebound() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		// AWS's SDK puts a bucket or an account in front of an address as if it were a name.
		if strings.HasSuffix(host, ".127.0.0.1") {
			host = "127.0.0.1"
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			return nil, fmt.Errorf("this aws plugin is for rehearsals only and does not connect to %s, which is not on this machine", address)
		}
		return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, net.JoinHostPort(host, port))
	}
	// As AWS's own client: an answer that points elsewhere is an answer.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: stay}
}
