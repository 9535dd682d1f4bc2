// Command pulumi-resource-aws is an aws plugin for rehearsals on closed networks.
//
// It serves the part of pulumi-aws that types.txt names, with the official plugin's tokens and
// property names, by way of Pulumi's Terraform bridge over Terraform's AWS provider. It works on an
// AWS simulated on this machine and refuses everything else; see rehearsal.go.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/terraform-provider-aws/xpprovider"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// versionFile holds the version of pulumi-aws whose programs it answers.
//
//go:embed version
var versionFile string

var version = strings.TrimSpace(versionFile)

const description = "For rehearsals only, never for a real account: " +
	"a part of the AWS provider that works on an AWS simulated on this machine and refuses to reach any other."

func main() {
	// Terraform's provider writes there what it starts; the engine takes it for an error.
	log.SetOutput(io.Discard)
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-aws:", err)
		os.Exit(1)
	}
}

// run serves the engine, or prints the schema if that is what the only argument asks for.
func run(ctx context.Context) error {
	// A bundle of authorities, or a machine's own credentials, are of a world that is not reached.
	os.Unsetenv("AWS_CA_BUNDLE")
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	info, err := provider(ctx)
	if err != nil {
		return err
	}
	schema, err := packageSchema(info)
	if err != nil {
		return err
	}
	if len(os.Args) == 2 && os.Args[1] == "schema" {
		_, err = os.Stdout.Write(schema)
		return err
	}
	pf.MainWithMuxer(ctx, "aws", info, schema)
	return nil
}

// provider says what of Terraform's provider is served, and under which names.
func provider(ctx context.Context) (tfbridge.ProviderInfo, error) {
	framework, sdk, err := xpprovider.GetProvider(ctx)
	if err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	if err := rehearse(ctx, sdk); err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	known, err := served()
	if err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	info := tfbridge.ProviderInfo{
		P:            pf.MuxShimWithDisjointgPF(ctx, shimv2.NewProvider(sdk), framework),
		Name:         "aws",
		Version:      version,
		Description:  description,
		License:      "MPL-2.0",
		GitHubOrg:    "hashicorp",
		MetadataInfo: tfbridge.NewProviderMetadata(nil),
		Config:       configured(),
		ExtraTypes:   documents(),
		Resources:    map[string]*tfbridge.ResourceInfo{},
		DataSources:  map[string]*tfbridge.DataSourceInfo{},
	}
	for resourceType, token := range known.resources {
		declared, there := info.P.ResourcesMap().GetOk(resourceType)
		if !there {
			return info, fmt.Errorf("types.txt names %s, which Terraform's provider does not have", resourceType)
		}
		fields := named(resourceType)
		if _, tagged := declared.Schema().GetOk("tags_all"); tagged {
			fields["tags_all"] = &tfbridge.SchemaInfo{MarkAsComputedOnly: tfbridge.True()}
		}
		info.Resources[resourceType] = &tfbridge.ResourceInfo{
			Tok:                 tokens.Type(token),
			Docs:                &tfbridge.DocInfo{AllowMissing: true},
			Fields:              fields,
			ComputeID:           identified(resourceType),
			DeleteBeforeReplace: replacedFirst(resourceType),
		}
	}
	for dataSource, token := range known.functions {
		info.DataSources[dataSource] = &tfbridge.DataSourceInfo{
			Tok:  tokens.ModuleMember(token),
			Docs: &tfbridge.DocInfo{AllowMissing: true},
		}
	}
	leaveOut(&info, info.P.ResourcesMap(), known.resources)
	leaveOut(&info, info.P.DataSourcesMap(), known.functions)
	for function := range info.P.Functions() {
		info.IgnoreMappings = append(info.IgnoreMappings, function)
	}
	info.SetAutonaming(255, "-")
	return info, dispatch(&info)
}

// leaveOut tells the bridge of what it will find no token for.
func leaveOut(info *tfbridge.ProviderInfo, whole shim.ResourceMap, kept map[string]string) {
	whole.Range(func(name string, _ shim.Resource) bool {
		if kept[name] == "" {
			info.IgnoreMappings = append(info.IgnoreMappings, name)
		}
		return true
	})
}

// dispatch notes which half of Terraform's provider has a type: that on its SDK or on its framework.
func dispatch(info *tfbridge.ProviderInfo) error {
	halves, two := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	})
	if !two {
		return fmt.Errorf("the bridge cannot tell the two halves of Terraform's provider apart")
	}
	which, err := halves.ResolveDispatch(info)
	if err != nil {
		return err
	}
	return metadata.Set(info.GetMetadata(), "mux", which)
}

// packageSchema is what the engine and its SDKs know the plugin by.
func packageSchema(info tfbridge.ProviderInfo) ([]byte, error) {
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo:    info,
		DiagnosticsSink: diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never}),
		XInMemoryDocs:   true,
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(generated.PackageSpec)
}
